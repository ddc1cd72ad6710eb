-- The report duration-p95. run-duration-p95.ts runs the named statements in this order; `view` and one of the two loads run once
-- for each archive object. `arrivals` is a view of that object: its columns, cast, and its place in the archive (object, line).

-- name: create
CREATE TABLE readings (
  object INTEGER, line BIGINT, received_time_us BIGINT, source VARCHAR, event_id VARCHAR,
  day INTEGER, -- days since 1970 of the reading's timestamp
  device_id VARCHAR, device_type VARCHAR, event_duration DOUBLE
);
-- A group of one day needs this many distinct events with a duration.
CREATE MACRO min_events(dimension) AS CASE dimension WHEN 'device_type' THEN 500 WHEN 'device_id' THEN 200 END;

-- name: view
CREATE OR REPLACE VIEW arriving_readings AS
SELECT
  object, line, received_time_us, source, event_id,
  -- The inner floor is exact, and the quotient of a whole number of seconds never rounds up to the next day.
  CAST(floor(floor(reading_timestamp) / 86400) AS INTEGER) AS day,
  reading_device_id, reading_device_type, reading_event_duration
FROM arrivals
WHERE event_type = 'reading' AND reading_timestamp >= -62135596800 AND reading_timestamp < 253402300800;

-- name: load
INSERT INTO readings FROM arriving_readings;

-- name: load repeats
-- An event that arrived earlier with another day does not count again. This loads only the repetitions of loaded events.
INSERT INTO readings
SELECT * FROM arriving_readings WHERE (source, event_id) IN (SELECT (source, event_id) FROM readings);

-- name: loaded days
SELECT day, max(received_time_us) AS last_received FROM readings GROUP BY day ORDER BY day;

-- name: deduplicate
-- The first arrival of an identity counts, whatever it contains. It may have no duration.
CREATE TABLE distinct_readings AS
SELECT day, device_id, device_type, event_duration FROM (
  SELECT *, row_number() OVER (PARTITION BY source, event_id ORDER BY received_time_us, object, line) AS arrival FROM readings
) WHERE arrival = 1 AND event_duration IS NOT NULL;
DROP TABLE readings;
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

-- name: reported days
SELECT DISTINCT day FROM durations($dimension) GROUP BY day, name HAVING count(*) >= min_events($dimension) ORDER BY day;
