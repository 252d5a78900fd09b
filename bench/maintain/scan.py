"""Plans and scans a table with PyIceberg, as often as it is told. Reads one JSON object from stdin:

{catalog: properties, table, rounds}. Prints {rounds: [{files, rows, planSeconds, scanSeconds}, …]}: planning begins at the
catalog and ends with the list of data files to be read; scanning reads every row of them.
"""
import json
import sys
from time import perf_counter

from pyiceberg.catalog import load_catalog

request = json.load(sys.stdin)
rounds = []
for _ in range(request["rounds"]):
    started = perf_counter()
    table = load_catalog("bench", **request["catalog"]).load_table(request["table"])
    files = len(list(table.scan().plan_files()))
    planned = perf_counter()
    # It plans once more; whoever scans does.
    rows = table.scan().to_arrow().num_rows if request["scans"] else 0
    rounds.append(
        {"files": files, "rows": rows, "planSeconds": planned - started, "scanSeconds": perf_counter() - planned}
    )
print(json.dumps({"rounds": rounds}))
