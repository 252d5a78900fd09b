"""Judges lakes with PyIceberg: reads a JSON list of warehouse folders from stdin, prints one JSON object for each.

rows, distinct: rows of the table and distinct ids. quarantined: rows of its quarantine table. twice: data files that
the current snapshot refers to more than once. left: files on disk that no table refers to.
"""
import json
import os
import sys
from collections import Counter

from pyiceberg.catalog.sql import SqlCatalog


def local(uri):
    return uri.removeprefix("file://")


def referenced(table):
    metadata = table.metadata
    files = {local(table.metadata_location)}
    files.update(local(entry.metadata_file) for entry in metadata.metadata_log)
    data = Counter()
    for snapshot in metadata.snapshots:
        files.add(local(snapshot.manifest_list))
        for manifest in snapshot.manifests(table.io):
            files.add(local(manifest.manifest_path))
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                files.add(local(entry.data_file.file_path))
                if snapshot.snapshot_id == metadata.current_snapshot_id:
                    data[entry.data_file.file_path] += 1
    return files, data


def judge(warehouse):
    catalog_file = os.path.join(warehouse, "catalog.db")
    result = {"warehouse": warehouse, "rows": 0, "distinct": 0, "quarantined": 0, "records": 0, "twice": 0, "left": []}
    known = set()
    if os.path.exists(catalog_file):
        catalog = SqlCatalog("default", uri=f"sqlite:///{catalog_file}", warehouse=f"file://{warehouse}")
        for namespace in catalog.list_namespaces():
            for name in catalog.list_tables(namespace):
                table = catalog.load_table(name)
                files, data = referenced(table)
                known |= files
                result["twice"] += sum(1 for count in data.values() if count > 1)
                rows = table.scan().to_arrow()
                if name[-1] == "orders":
                    ids = rows["id"].to_pylist()
                    result["rows"], result["distinct"] = len(ids), len(set(ids))
                elif name[-1] == "orders__quarantine":
                    result["quarantined"] = rows.num_rows
                elif name[-1] == "runs":
                    result["records"] = rows.num_rows
    for folder, _, names in os.walk(warehouse):
        for name in names:
            path = os.path.join(folder, name)
            own = name.startswith("catalog.db") or name == "lake.json" or f"{os.sep}_dativo{os.sep}jobs{os.sep}" in path
            if not own and path not in known and "checkpoint" not in name:
                result["left"].append(os.path.relpath(path, warehouse))
    return result


for warehouse in json.load(sys.stdin):
    print(json.dumps(judge(warehouse)), flush=True)
