"""python spark.py REPORT FOLDER: a report by Apache Spark, on all cores. Prints its rows and seconds as JSON.

The session has started before the clock does. Both formats are written, as by the product.
"""

import json
import sys
import tempfile
import time

from pyspark.sql import SparkSession

P95_BY = """
WITH sized AS (
  SELECT day, {dimension}, count(*) AS num_events, avg(x) AS mean, stddev_samp(x) AS stddev
  FROM readings WHERE x IS NOT NULL AND {dimension} IS NOT NULL GROUP BY day, {dimension} HAVING count(*) >= {least}
)
SELECT day, {dimension}, num_events, count(*) AS kept, mean, stddev, percentile(x, 0.95) AS p95
FROM readings JOIN sized USING (day, {dimension}) WHERE abs(x - mean) <= 3 * stddev
GROUP BY day, {dimension}, num_events, mean, stddev ORDER BY day, {dimension}"""

REPORTS = {
    "duration-p95": {
        "readings": """
SELECT
  min_by(CAST(floor(reading_timestamp / 86400) AS INT), received_time_us) AS day,
  min_by(reading_device_id, received_time_us) AS device_id, min_by(reading_device_type, received_time_us) AS device_type,
  min_by(reading_event_duration, received_time_us) AS x
FROM events WHERE event_type = 'reading' GROUP BY source, subject, event_id""",
        "by_device_type": P95_BY.format(dimension="device_type", least=500),
        "by_device_id": P95_BY.format(dimension="device_id", least=200),
    },
    "enriched-actions": {
        "actions": """
SELECT
  source, subject, event_id, min(event_time_us) AS t,
  min_by(app_action_user_id, event_time_us) AS user_id, min_by(app_action_app_name, event_time_us) AS app_name,
  min_by(app_action_event_action, event_time_us) AS event_action,
  min_by(app_action_event_category, event_time_us) AS event_category, min_by(app_action_event_value, event_time_us) AS event_value
FROM events WHERE event_type = 'app_action' GROUP BY source, subject, event_id""",
        "enriched": """
WITH recent AS (
  SELECT user_id, count(*) AS u_count FROM actions WHERE t >= (SELECT max(t) FROM actions) - 10800000000 GROUP BY user_id
), favourites AS (
  SELECT user_id, max_by(event_action, times) AS u_mp_ea
  FROM (SELECT user_id, event_action, count(*) AS times FROM actions GROUP BY user_id, event_action) GROUP BY user_id
)
SELECT
  timestamp_micros(t) AS event_time, user_id, app_name, event_action, event_category, event_value,
  coalesce(u_count, 0) AS u_count, u_mp_ea, event_id
FROM actions LEFT JOIN recent USING (user_id) LEFT JOIN favourites USING (user_id) ORDER BY t, event_id""",
    },
}

report, folder = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[*]").config("spark.driver.memory", "4g").config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
with tempfile.TemporaryDirectory() as scratch:
    start = time.monotonic()
    spark.read.parquet(f"{folder}/events").createOrReplaceTempView("events")
    (first, first_query), *tables = REPORTS[report].items()
    spark.sql(first_query).persist().createOrReplaceTempView(first)
    rows = 0
    for name, query in tables:
        table = spark.sql(query).persist()
        table.write.parquet(f"{scratch}/{name}.parquet")
        table.write.option("header", True).csv(f"{scratch}/{name}.csv")
        rows += table.count()
    seconds = time.monotonic() - start
    print(json.dumps({"rows": rows, "seconds": seconds}))
