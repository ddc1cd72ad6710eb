-- The report enriched-actions. lambdas/reports/report-sql.ts documents the statements of a report. DuckDB spills to disk what does
-- not fit into memory, temporary tables too: each statement sorts or groups once.
-- Strings compare by bytes, which is the order of code points.

-- name: deduplicate
-- The earliest event time of an identity counts, then the earliest arrival. The other columns break ties, so that the same events
-- give the same rows whatever objects they are stored in. Few identities are repeated: only their rows are sorted, and those of
-- others with the same hash.
CREATE TEMP TABLE repeated AS SELECT identity FROM arrivals GROUP BY identity HAVING count(*) > 1;
CREATE TEMP TABLE dropped AS
SELECT object, line
FROM (
  SELECT
    object, line,
    row_number() OVER (
      PARTITION BY source, subject, event_id
      ORDER BY
        event_time_us, received_time_us, app_action_user_id, app_action_app_name, app_action_event_action,
        app_action_event_category, app_action_event_value
    ) AS place
  FROM arrivals SEMI JOIN repeated USING (identity)
)
WHERE place > 1;
CREATE TEMP TABLE distinct_actions AS
SELECT
  event_time_us, source, subject, event_id, app_action_user_id AS user_id, app_action_app_name AS app_name,
  app_action_event_action AS event_action, app_action_event_category AS event_category, app_action_event_value AS event_value
FROM arrivals ANTI JOIN dropped USING (object, line);

-- name: count recent
CREATE TEMP TABLE recent AS
SELECT user_id, count(*) AS u_count FROM distinct_actions WHERE event_time_us >= CAST($since AS BIGINT) GROUP BY user_id;

-- name: rank actions
CREATE TEMP TABLE favourites AS
SELECT user_id, event_action AS u_mp_ea FROM (
  SELECT user_id, event_action, row_number() OVER (PARTITION BY user_id ORDER BY times DESC, event_action) AS place
  FROM (
    SELECT user_id, event_action, count(*) AS times FROM distinct_actions
    WHERE event_action IS NOT NULL GROUP BY user_id, event_action
  )
) WHERE place = 1;

-- name: rows
SELECT
  event_time_us AS event_time, user_id, app_name, event_action, event_category, event_value,
  coalesce(u_count, 0) AS u_count, u_mp_ea, event_id, source, subject
FROM distinct_actions LEFT JOIN recent USING (user_id) LEFT JOIN favourites USING (user_id);
