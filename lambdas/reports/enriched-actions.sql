-- The report enriched-actions. Each statement has a name; run-enriched-actions.ts calls them in this order, `load` for each object.
-- `arrivals` is a view of one archive object at a time. Instants are microseconds since 1970. What memory cannot hold goes to
-- disk: each statement sorts or groups once, and its input is dropped before the next grows.
-- Strings compare by their bytes, which is by code point.

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

-- name: settle
-- Of the same identity the earliest event time stands, then the earliest arrival. What else may differ decides at last, so that
-- the same events give the same rows however the archive cut them into objects.
CREATE TABLE standing AS
SELECT * EXCLUDE (received_time_us, place) FROM (
  SELECT *, row_number() OVER (
    PARTITION BY source, event_id
    ORDER BY event_time_us, received_time_us, user_id, app_name, event_action, event_category, event_value
  ) AS place FROM actions
) WHERE place = 1;
DROP TABLE actions;

-- name: count
CREATE TABLE recent AS
SELECT user_id, count(*) AS u_count FROM standing WHERE event_time_us >= CAST($since AS BIGINT) GROUP BY user_id;

-- name: favour
CREATE TABLE favourites AS
SELECT user_id, event_action AS u_mp_ea FROM (
  SELECT user_id, event_action, row_number() OVER (PARTITION BY user_id ORDER BY times DESC, event_action) AS place
  FROM (SELECT user_id, event_action, count(*) AS times FROM standing WHERE event_action IS NOT NULL GROUP BY user_id, event_action)
) WHERE place = 1;

-- name: enrich
-- The identity ends the order: no two rows are alike in it.
CREATE TABLE enriched AS
SELECT
  make_timestamp(event_time_us) AS event_time, user_id, app_name, event_action, event_category, event_value,
  coalesce(u_count, 0) AS u_count, u_mp_ea, event_id
FROM standing LEFT JOIN recent USING (user_id) LEFT JOIN favourites USING (user_id)
ORDER BY event_time_us, event_id, source;
DROP TABLE standing;

-- name: enriched
SELECT count(*) AS rows FROM enriched;
