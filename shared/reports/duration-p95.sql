-- The report duration-p95. lambdas/reports/report-sql.ts documents the statements of a report.

-- name: deduplicate
-- The first arrival of an identity counts, whatever it contains. It may have no duration, or another day. Few identities are
-- repeated: only their rows are sorted, and those of others with the same hash.
CREATE TEMP TABLE repeated AS SELECT identity FROM arrivals GROUP BY identity HAVING count(*) > 1;
CREATE TEMP TABLE dropped AS
SELECT object, line
FROM (
  SELECT
    object, line,
    row_number() OVER (PARTITION BY source, subject, event_id ORDER BY received_time_us, object, line) AS arrival
  FROM arrivals SEMI JOIN repeated USING (identity)
)
WHERE arrival > 1;
CREATE TEMP TABLE distinct_readings AS
SELECT day, reading_device_id AS device_id, reading_device_type AS device_type, reading_event_duration AS event_duration
FROM arrivals ANTI JOIN dropped USING (object, line)
WHERE event_duration IS NOT NULL AND day IN (FROM days);

-- name: group
-- A group is the readings of one day with one name: a device type or a device. It needs this many distinct events with a duration.
CREATE MACRO min_events(dimension) AS CASE dimension WHEN 'device_type' THEN 500 WHEN 'device_id' THEN 200 END;
CREATE MACRO durations(dimension) AS TABLE
SELECT day, name, event_duration AS x
FROM (
  SELECT day, event_duration, CASE dimension WHEN 'device_type' THEN device_type ELSE device_id END AS name FROM distinct_readings
)
WHERE name IS NOT NULL;
-- Dividing by a power of two is exact, and squares of the scaled values cannot overflow: one absurd duration cannot fail the
-- report. Subtracting the smallest value keeps the digits of large values that are close together, and makes sigma of equal
-- values exactly 0.
CREATE MACRO sized(dimension) AS TABLE
SELECT dimension AS dimension, day, name, n, scale, low / scale AS low
FROM (
  SELECT day, name, count(*) AS n, min(x) AS low, pow(2.0, ceil(log2(greatest(max(abs(x)), 1e-300))) - 1) AS scale
  FROM durations(dimension) GROUP BY day, name
)
WHERE n >= min_events(dimension);
CREATE TEMP TABLE groups AS
SELECT row_number() OVER () AS id, * FROM (FROM sized('device_type') UNION ALL FROM sized('device_id'));
CREATE MACRO grouped(of_dimension) AS TABLE
SELECT id, x, x / scale - low AS offset_x
FROM durations(of_dimension) AS d JOIN groups ON groups.dimension = of_dimension AND d.day = groups.day AND d.name = groups.name;

-- name: measure
CREATE MACRO middle(dimension) AS TABLE SELECT id, fsum(offset_x) / count(*) AS middle FROM grouped(dimension) GROUP BY id;
CREATE TEMP TABLE middles AS FROM middle('device_type') UNION ALL FROM middle('device_id');
CREATE MACRO sigma(dimension) AS TABLE
SELECT id, any_value(middle) AS middle, sqrt(fsum(pow(offset_x - middle, 2)) / (count(*) - 1)) AS sigma
FROM grouped(dimension) JOIN middles USING (id) GROUP BY id;
CREATE TEMP TABLE spreads AS FROM sigma('device_type') UNION ALL FROM sigma('device_id');

-- name: define duration_p95
CREATE MACRO duration_p95(of_dimension) AS TABLE
SELECT
  DATE '1970-01-01' + day AS date, name,
  n AS num_events, kept,
  scale * (low + middle) AS mean, scale * sigma AS stddev, event_duration_p95
FROM groups JOIN spreads USING (id) JOIN (
  -- Interpolation between equal values may round to a value outside them.
  SELECT id, count(*) AS kept, greatest(min(x), least(max(x), quantile_cont(x, 0.95))) AS event_duration_p95
  FROM grouped(of_dimension) JOIN spreads USING (id)
  -- Values at exactly three sigma are kept; the factor allows for rounding in the last digits.
  WHERE abs(offset_x - middle) <= 3 * sigma * (1 + 1e-12)
  GROUP BY id
) USING (id);

-- name: rows by type
SELECT date, name AS device_type, * EXCLUDE (date, name) FROM duration_p95('device_type');

-- name: rows by device
SELECT date, name AS device_id, * EXCLUDE (date, name) FROM duration_p95('device_id');
