"""The fastest peer: dlt on its connectorx backend, from Postgres to Parquet: dlt_connectorx.py <url> <rows> <folder>."""

import json
import os
import resource
import sys

import dlt
from dlt.sources.sql_database import sql_table

url, rows, folder = sys.argv[1:]
pipeline = dlt.pipeline(
    "orders",
    pipelines_dir=os.path.join(folder, "pipelines"),
    destination=dlt.destinations.filesystem(bucket_url=os.path.join(folder, "lake")),
    dataset_name="bench",
)
orders = sql_table(url, table="orders", backend="connectorx", backend_kwargs={"return_type": "arrow"})
pipeline.run(orders, loader_file_format="parquet", write_disposition="replace")
written = pipeline.last_trace.last_normalize_info.row_counts["orders"]
if written != int(rows):
    raise SystemExit(f"dlt wrote {written} rows")
used = resource.getrusage(resource.RUSAGE_SELF)
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print(
    json.dumps(
        {
            "cpuSeconds": used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime,
            "peakMegabytes": used.ru_maxrss * 1024 / 1e6,
        }
    )
)
