-- The report duration-p95 for Athena. lambdas/reports/athena-query.ts documents the statements of a report. Athena has neither
-- temporary tables nor exact quantiles nor exact sums of doubles: the sums are of decimals, and the quantile is interpolated here.

-- name: with
-- The first arrival of an identity counts, whatever it contains. It may have no duration.
distinct_readings AS (
  SELECT day, reading_device_id AS device_id, reading_device_type AS device_type, reading_event_duration AS x
  FROM (
    SELECT *, row_number() OVER (
      PARTITION BY source, subject, event_id
      ORDER BY received_time_us, object, day, reading_device_type, reading_event_duration
    ) AS arrival
    FROM arrivals
  )
  WHERE arrival = 1 AND reading_event_duration IS NOT NULL AND day IN (SELECT day FROM days)
),
durations AS (
  SELECT dimension, day, CASE dimension WHEN 'device_type' THEN device_type ELSE device_id END AS name, x
  FROM distinct_readings CROSS JOIN (VALUES 'device_type', 'device_id') AS dimensions (dimension)
),
-- A group of one day needs this many distinct events with a duration. Dividing by a power of two is exact, and the scaled values
-- cannot overflow.
scaled AS (
  SELECT dimension, day, name, x, n, scale, low / scale AS low, high / scale - low / scale AS span
  FROM (
    SELECT
      dimension, day, name, x,
      count(*) OVER of_group AS n, min(x) OVER of_group AS low, max(x) OVER of_group AS high,
      power(2e0, ceil(log2(greatest(max(abs(x)) OVER of_group, 1e-300))) - 1) AS scale
    FROM durations
    WHERE name IS NOT NULL
    WINDOW of_group AS (PARTITION BY dimension, day, name)
  )
  WHERE n >= CASE dimension WHEN 'device_type' THEN 500 ELSE 200 END
),
-- Offsets from the smallest value, in 0 to 1: as decimals they keep 30 digits, and their sum is exact up to 10^8 of them.
offsets AS (
  SELECT
    dimension, day, name, x, n, scale, low, unit,
    CASE WHEN span = 0 THEN 0e0 ELSE (x / scale - low) / unit END AS place
  FROM (
    SELECT *, CASE WHEN span = 0 THEN 1e0 ELSE power(2e0, ceil(log2(span))) END AS unit FROM scaled
  )
),
centred AS (
  SELECT
    dimension, day, name, x, n, scale, low, unit, place,
    CAST(sum(CAST(place AS DECIMAL(38, 30))) OVER (PARTITION BY dimension, day, name) AS DOUBLE) / n AS middle
  FROM offsets
),
spread AS (
  SELECT
    dimension, day, name, x, n, scale, low, unit, place, middle,
    sqrt(
      CAST(sum(CAST(power(place - middle, 2) AS DECIMAL(38, 30))) OVER (PARTITION BY dimension, day, name) AS DOUBLE) / (n - 1)
    ) AS sigma
  FROM centred
),
-- Values at exactly three sigma are kept; the factor allows for rounding in the last digits.
kept AS (
  SELECT
    dimension, day, name, x, n, scale, low, unit, middle, sigma,
    count(*) OVER (PARTITION BY dimension, day, name) AS kept,
    row_number() OVER (PARTITION BY dimension, day, name ORDER BY x) AS position
  FROM spread
  WHERE abs(place - middle) <= 3 * sigma * (1 + 1e-12)
),
-- Quantile R-7: between the values at `below` and at the next position, which have the numbers from 1.
interpolated AS (
  SELECT *, 95e-2 * (kept - 1) - floor(95e-2 * (kept - 1)) AS share, CAST(floor(95e-2 * (kept - 1)) AS BIGINT) + 1 AS below
  FROM kept
),
duration_p95 AS (
  SELECT
    dimension, date_add('day', day, DATE '1970-01-01') AS date, name,
    n AS num_events, kept,
    scale * (low + middle * unit) AS mean, scale * (sigma * unit) AS stddev,
    max(CASE position WHEN below THEN x END) * (1 - share)
      + max(CASE position WHEN least(below + 1, kept) THEN x END) * share AS interpolation,
    max(CASE position WHEN below THEN x END) AS least_p95,
    max(CASE position WHEN least(below + 1, kept) THEN x END) AS greatest_p95
  FROM interpolated
  GROUP BY dimension, day, name, n, kept, scale, low, unit, middle, sigma, share, below
)

-- name: rows by type
SELECT
  date, name AS device_type, num_events, kept, mean, stddev,
  -- Interpolation between equal values may round to a value outside them.
  greatest(least_p95, least(greatest_p95, interpolation)) AS event_duration_p95
FROM duration_p95 WHERE dimension = 'device_type'

-- name: rows by device
SELECT
  date, name AS device_id, num_events, kept, mean, stddev,
  greatest(least_p95, least(greatest_p95, interpolation)) AS event_duration_p95
FROM duration_p95 WHERE dimension = 'device_id'
