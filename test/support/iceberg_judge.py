"""The independent judges: PyIceberg and DuckDB's own iceberg reader.

Reads one JSON request per line, answers each with one JSON line. Values are given in one canonical form, whatever
reader they come from: integers, decimals and floats as text, dates as days, times and timestamps as microseconds,
binary as hex, structs and maps as objects, lists as arrays.
"""

import glob
import json
import math
import site
import sys
import uuid

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import from_bytes
from pyiceberg.schema import Schema
from pyiceberg.types import IntegerType, NestedField, StringType


def catalog_of(warehouse):
    return SqlCatalog("default", uri=f"sqlite:///{warehouse}/catalog.db", warehouse=f"file://{warehouse}")


def floating(value):
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def canonical(scalar):
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if isinstance(scalar, pa.ExtensionScalar):
        inner = scalar.as_py()
        return str(inner) if isinstance(inner, uuid.UUID) else canonical(scalar.value)
    if pa.types.is_map(kind):
        return {canonical(k): canonical(v) for k, v in map_items(scalar)}
    if pa.types.is_struct(kind):
        return {name: canonical(scalar[name]) for name in [field.name for field in kind]}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [canonical(item) for item in scalar.values]
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        assert kind.unit == "us", kind
        return str(scalar.value)
    if pa.types.is_date(kind):
        return str(scalar.value)
    if pa.types.is_floating(kind):
        return floating(scalar.as_py())
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return str(scalar.as_py()) if pa.types.is_integer(kind) else format(scalar.as_py(), "f")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return scalar.as_py().hex()
    return scalar.as_py()


def map_items(scalar):
    entries = scalar.values
    return [(entries[i]["key"], entries[i]["value"]) for i in range(len(entries))]


def rows_of(table):
    names = table.column_names
    columns = [[canonical(value) for value in table[i]] for i in range(table.num_columns)]
    return [dict(zip(names, values)) for values in zip(*columns)]


def bound_of(field_type, raw):
    value = from_bytes(field_type, raw)
    return value.hex() if isinstance(value, bytes) else str(value)


def describe(request):
    table = catalog_of(request["warehouse"]).load_table(request["table"])
    schema = table.schema()
    names = {field_id: schema.find_column_name(field_id) for field_id in schema._lazy_id_to_name}
    files = []
    for task in table.scan().plan_files():
        file = task.file
        known = {field_id: schema.find_field(field_id) for field_id in names}
        bounds = lambda of: {names[k]: bound_of(known[k].field_type, v) for k, v in (of or {}).items()}
        counts = lambda of: {names[k]: v for k, v in (of or {}).items()}
        files.append({
            "path": file.file_path,
            "rows": file.record_count,
            "bytes": file.file_size_in_bytes,
            "deletes": len(task.delete_files),
            "lower": bounds(file.lower_bounds),
            "upper": bounds(file.upper_bounds),
            "values": counts(file.value_counts),
            "nulls": counts(file.null_value_counts),
        })
    return {
        "location": table.location(),
        "metadataLocation": table.metadata_location,
        "schema": [{"id": f.field_id, "name": f.name, "type": str(f.field_type), "required": f.required} for f in schema.fields],
        "key": sorted(schema.identifier_field_names()),
        "properties": dict(table.properties),
        "snapshots": [
            {"id": str(s.snapshot_id), "parent": None if s.parent_snapshot_id is None else str(s.parent_snapshot_id),
             "sequence": s.sequence_number, "operation": s.summary.operation.value, "summary": dict(s.summary.additional_properties)}
            for s in table.snapshots()
        ],
        "files": files,
    }


def scan(request):
    table = catalog_of(request["warehouse"]).load_table(request["table"])
    options = {"row_filter": request["filter"]} if "filter" in request else {}
    arrow = table.scan(**options).to_arrow()
    return {"rows": rows_of(arrow) if request.get("values", True) else None, "count": arrow.num_rows}


def outside_bounds(request):
    """Compares every value with the bounds of its file, both in the form that bounds are written in."""
    table = catalog_of(request["warehouse"]).load_table(request["table"])
    schema = table.schema()
    rows = table.scan().to_arrow()
    outside, bounded = [], set()
    for task in table.scan().plan_files():
        for field_id, low in (task.file.lower_bounds or {}).items():
            field, path = schema.find_field(field_id), schema.find_column_name(field_id)
            if str(field.field_type) in ("float", "double"):
                continue
            bounded.add(path)
            high = (task.file.upper_bounds or {}).get(field_id)
            first, *parts = path.split(".")
            column = rows[first].combine_chunks()
            for part in parts:
                # A field of a struct that is null counts as null.
                column = pc.struct_field(column, part)
            for scalar in column:
                if not scalar.is_valid:
                    continue
                value = sortable(scalar)
                above = bound_value(field.field_type, low) <= value
                below = high is None or value <= bound_value(field.field_type, high)
                if not (above and below):
                    outside.append(f"{path}: {canonical(scalar)}")
    return {"outside": outside, "bounded": sorted(bounded)}


INTEGERS = ("int", "long", "date", "time", "timestamp", "timestamptz")


def sortable(scalar):
    """A value as something that compares like its column: numbers, or bytes."""
    if isinstance(scalar, pa.ExtensionScalar):
        return scalar.as_py().bytes
    kind = scalar.type
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_date(kind):
        return scalar.value
    value = scalar.as_py()
    return value.encode() if isinstance(value, str) else value


def bound_value(field_type, raw):
    """A bound as the spec serialises it, read without PyIceberg's own idea of dates."""
    kind = str(field_type)
    if kind in INTEGERS:
        return int.from_bytes(raw, "little", signed=True)
    if kind in ("string", "binary", "uuid"):
        return raw
    return from_bytes(field_type, raw)


def planned(request):
    table = catalog_of(request["warehouse"]).load_table(request["table"])
    return {"files": len(list(table.scan(row_filter=request["filter"]).plan_files()))}


def append(request):
    """Appends rows that a DuckDB query gives, in the types of the table."""
    table = catalog_of(request["warehouse"]).load_table(request["table"])
    arrow = duckdb.sql(request["select"]).to_arrow_table()
    table.append(arrow.cast(table.scan().to_arrow().schema))
    return {}


def delete(request):
    catalog_of(request["warehouse"]).load_table(request["table"]).delete(request["filter"])
    return {}


def create(request):
    """A table with columns id (int) and name (string) in the given format version."""
    catalog = catalog_of(request["warehouse"])
    catalog.create_namespace_if_not_exists(request["table"].split(".")[0])
    fields = [NestedField(1, "id", IntegerType(), required=False), NestedField(2, "name", StringType(), required=False)]
    catalog.create_table(request["table"], Schema(*fields), properties={"format-version": str(request.get("version", 2))})
    return {}


def tables(request):
    catalog = catalog_of(request["warehouse"])
    return {"tables": [".".join(name) for ns in catalog.list_namespaces() for name in catalog.list_tables(ns)]}


def duckdb_scan(request):
    connection = duckdb.connect()
    connection.execute("SET timezone = 'UTC'")
    for name in ("avro", "iceberg"):
        [extension] = [found for folder in site.getsitepackages() for found in glob.glob(f"{folder}/**/{name}.duckdb_extension", recursive=True)][:1]
        connection.execute(f"LOAD '{extension}'")
    arrow = connection.execute("SELECT * FROM iceberg_scan(?)", [request["metadata"]]).to_arrow_table()
    return {"rows": rows_of(arrow), "count": arrow.num_rows}


OPERATIONS = {f.__name__: f for f in (describe, scan, outside_bounds, planned, append, delete, create, tables, duckdb_scan)}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"ok": OPERATIONS[request["operation"]](request)}
    except Exception as error:  # the test shows it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
