-- The report duration-p95. lambdas/reports/report-sql.ts documents the statements of a report.

-- name: deduplicate
-- The first arrival of an identity counts, whatever it contains. It may have no duration.
CREATE TABLE distinct_readings AS
SELECT day, reading_device_id AS device_id, reading_device_type AS device_type, reading_event_duration AS event_duration
FROM (
  SELECT
    day, reading_device_id, reading_device_type, reading_event_duration,
    row_number() OVER (PARTITION BY source, subject, event_id ORDER BY received_time_us, object, line) AS arrival
  FROM arrivals
)
WHERE arrival = 1 AND reading_event_duration IS NOT NULL;
DROP TABLE arrivals;

-- name: define duration_p95
-- A group of one day needs this many distinct events with a duration.
CREATE MACRO min_events(dimension) AS CASE dimension WHEN 'device_type' THEN 500 WHEN 'device_id' THEN 200 END;
CREATE MACRO durations(dimension) AS TABLE
SELECT day, name, event_duration AS x
FROM (
  SELECT day, event_duration, CASE dimension WHEN 'device_type' THEN device_type ELSE device_id END AS name FROM distinct_readings
)
WHERE name IS NOT NULL;
CREATE MACRO duration_p95(dimension, on_day) AS TABLE
WITH
-- Dividing by a power of two is exact, and squares of the scaled values cannot overflow: one absurd duration cannot fail the
-- report. Subtracting the smallest value keeps the digits of large values that are close together, and makes sigma of equal
-- values exactly 0.
sized AS (
  SELECT name, n, scale, low / scale AS low FROM (
    SELECT name, count(*) AS n, min(x) AS low, pow(2.0, ceil(log2(greatest(max(abs(x)), 1e-300))) - 1) AS scale
    FROM durations(dimension) WHERE day = on_day GROUP BY name
  ) WHERE n >= min_events(dimension)
),
centred AS (
  SELECT name, n, scale, low, fsum(x / scale - low) / n AS middle
  FROM durations(dimension) JOIN sized USING (name) WHERE day = on_day
  GROUP BY name, n, scale, low
),
spread AS (
  SELECT name, n, scale, low, middle, sqrt(fsum(pow(x / scale - low - middle, 2)) / (n - 1)) AS sigma
  FROM durations(dimension) JOIN centred USING (name) WHERE day = on_day
  GROUP BY name, n, scale, low, middle
)
SELECT
  DATE '1970-01-01' + day AS date, name,
  n AS num_events, count(*) AS kept,
  scale * (low + middle) AS mean, scale * sigma AS stddev,
  -- Interpolation between equal values may round to a value outside them.
  greatest(min(x), least(max(x), quantile_cont(x, 0.95))) AS event_duration_p95
FROM durations(dimension) JOIN spread USING (name)
-- Values at exactly three sigma are kept; the factor allows for rounding in the last digits.
WHERE day = on_day AND abs(x / scale - low - middle) <= 3 * sigma * (1 + 1e-12)
GROUP BY day, name, n, scale, low, middle, sigma
ORDER BY name;

-- name: days by type
SELECT DISTINCT day FROM durations('device_type') GROUP BY day, name HAVING count(*) >= min_events('device_type') ORDER BY day;

-- name: rows by type
SELECT date, name AS device_type, * EXCLUDE (date, name) FROM duration_p95('device_type', CAST($day AS INTEGER)) ORDER BY device_type;

-- name: days by device
SELECT DISTINCT day FROM durations('device_id') GROUP BY day, name HAVING count(*) >= min_events('device_id') ORDER BY day;

-- name: rows by device
SELECT date, name AS device_id, * EXCLUDE (date, name) FROM duration_p95('device_id', CAST($day AS INTEGER)) ORDER BY device_id;
