"""Judges a table in an object store with PyIceberg. Reads one JSON object from stdin:

{catalog: properties, table, expected: {id: version}, objects: [URI, …]}, where the objects are those below the table's
location. Prints {rows, lost, duplicated, stale, dangling, orphans, examples}: ids that are missing, that come more than
once, that have another version than they should, files that a snapshot refers to and that are not there, and objects
that nothing refers to.
"""
import json
import sys
from collections import Counter

from pyiceberg.catalog import load_catalog

request = json.load(sys.stdin)
table = load_catalog("judge", **request["catalog"]).load_table(request["table"])
metadata = table.metadata
objects = set(request["objects"])

referenced = {table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
needed = {table.metadata_location}
for snapshot in metadata.snapshots:
    needed.add(snapshot.manifest_list)
    for manifest in snapshot.manifests(table.io):
        needed.add(manifest.manifest_path)
        needed.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io))
for holder in (metadata.properties, *(snapshot.summary.additional_properties for snapshot in metadata.snapshots)):
    needed.update(value for key, value in holder.items() if key.startswith("dativo.checkpoint-file"))
referenced |= needed

rows = table.scan(selected_fields=("id", "version")).to_arrow()
found = Counter(rows["id"].to_pylist())
versions = dict(zip(rows["id"].to_pylist(), rows["version"].to_pylist()))
expected = {int(key): version for key, version in request["expected"].items()}
orphans, dangling = sorted(objects - referenced), sorted(needed - objects)
print(
    json.dumps(
        {
            "rows": rows.num_rows,
            "lost": sum(1 for key in expected if key not in found),
            "duplicated": sum(count - 1 for count in found.values()) + sum(1 for key in found if key not in expected),
            "stale": sum(1 for key, version in expected.items() if versions.get(key, version) != version),
            "dangling": len(dangling),
            "orphans": len(orphans),
            "examples": [*dangling[:3], *orphans[:3]],
        }
    )
)
