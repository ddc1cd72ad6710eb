-- The report enriched-actions. run-enriched-actions.ts runs the named statements in this order; `load` runs once for each archive
-- object, and `arrivals` is a view of that object. Instants are microseconds since 1970. DuckDB spills to disk what does not fit
-- into memory: each statement sorts or groups once, and drops its input before the next one allocates.
-- Strings compare by bytes, which is the order of code points.

-- name: create
CREATE TABLE actions (
  event_time_us BIGINT, received_time_us BIGINT, source VARCHAR, event_id VARCHAR,
  user_id BIGINT, app_name VARCHAR, event_action VARCHAR, event_category VARCHAR, event_value BIGINT
);

-- name: load
INSERT INTO actions
SELECT
  event_time_us, received_time_us, source, event_id,
  app_action_user_id, app_action_app_name, app_action_event_action, app_action_event_category, app_action_event_value
FROM arrivals
WHERE event_type = 'app_action' AND app_action_user_id IS NOT NULL AND event_time_us < CAST($at AS BIGINT);

-- name: deduplicate
-- The earliest event time of an identity counts, then the earliest arrival. The other columns break ties, so that the same events
-- give the same rows whatever objects they are stored in.
CREATE TABLE distinct_actions AS
SELECT * EXCLUDE (received_time_us, place) FROM (
  SELECT *, row_number() OVER (
    PARTITION BY source, event_id
    ORDER BY event_time_us, received_time_us, user_id, app_name, event_action, event_category, event_value
  ) AS place FROM actions
) WHERE place = 1;
DROP TABLE actions;

-- name: count recent
CREATE TABLE recent AS
SELECT user_id, count(*) AS u_count FROM distinct_actions WHERE event_time_us >= CAST($since AS BIGINT) GROUP BY user_id;

-- name: rank actions
CREATE TABLE favourites AS
SELECT user_id, event_action AS u_mp_ea FROM (
  SELECT user_id, event_action, row_number() OVER (PARTITION BY user_id ORDER BY times DESC, event_action) AS place
  FROM (
    SELECT user_id, event_action, count(*) AS times FROM distinct_actions
    WHERE event_action IS NOT NULL GROUP BY user_id, event_action
  )
) WHERE place = 1;

-- name: enrich
-- The order is total: it ends with the identity, and no two rows have the same one.
CREATE TABLE enriched AS
SELECT
  make_timestamp(event_time_us) AS event_time, user_id, app_name, event_action, event_category, event_value,
  coalesce(u_count, 0) AS u_count, u_mp_ea, event_id
FROM distinct_actions LEFT JOIN recent USING (user_id) LEFT JOIN favourites USING (user_id)
ORDER BY event_time_us, event_id, source;
DROP TABLE distinct_actions;

-- name: count rows
SELECT count(*) AS rows FROM enriched;
