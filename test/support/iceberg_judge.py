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
from decimal import Decimal, getcontext
from functools import cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import EqualTo, IsNaN, IsNull
from pyiceberg.expressions.literals import literal
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform, parse_transform
from pyiceberg.types import IntegerType, NestedField, StringType

# Python computes with 28 digits by default, PyIceberg's transforms too.
getcontext().prec = 80


@cache
def named_catalog(properties):
    """One for each, since each keeps its connections open."""
    properties = json.loads(properties)
    return load_catalog(properties.pop("name", "default"), **properties)


def catalog_of(request):
    if "catalog" in request:
        return named_catalog(json.dumps(request["catalog"]))
    warehouse = request["warehouse"]
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
    table = catalog_of(request).load_table(request["table"])
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
    table = catalog_of(request).load_table(request["table"])
    options = {"row_filter": request["filter"]} if "filter" in request else {}
    arrow = table.scan(**options).to_arrow()
    return {"rows": rows_of(arrow) if request.get("values", True) else None, "count": arrow.num_rows}


def outside_bounds(request):
    """Compares every value with the bounds of its file, both in the form that bounds are written in."""
    table = catalog_of(request).load_table(request["table"])
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
    table = catalog_of(request).load_table(request["table"])
    return {"files": len(list(table.scan(row_filter=request["filter"]).plan_files()))}


def layout(request):
    """How the table's current files are divided and sorted."""
    table = catalog_of(request).load_table(request["table"])
    fields = lambda spec: [{"id": f.field_id, "source": f.source_id, "name": f.name, "transform": str(f.transform)} for f in spec.fields]
    return {
        "current": table.spec().spec_id,
        "specs": {str(spec_id): fields(spec) for spec_id, spec in table.specs().items()},
        "lastPartitionId": table.metadata.last_partition_id,
        "order": [{"source": f.source_id, "transform": str(f.transform), "direction": f.direction.name, "nulls": f.null_order.name} for f in table.sort_order().fields],
        "files": [
            {"path": t.file.file_path, "rows": t.file.record_count, "spec": t.file.spec_id, "order": t.file.sort_order_id,
             "partition": [plain_partition(t.file.partition[i]) for i in range(len(table.specs()[t.file.spec_id].fields))]}
            for t in table.scan().plan_files()
        ],
    }


def found(request):
    """For each value of a column, the files that PyIceberg would read for it; for the first ones also the rows."""
    table = catalog_of(request).load_table(request["table"])
    kind = table.schema().find_field(request["column"]).field_type
    answers = []
    for index, value in enumerate(request["values"]):
        scan = table.scan(row_filter=equal_to(request["column"], kind, value))
        arrow = scan.to_arrow() if index < request["read"] else None
        answers.append({
            "files": [task.file.file_path for task in scan.plan_files()],
            "rows": [canonical(row) for row in arrow[0]] if arrow is not None else [],
        })
    return {"answers": answers}


def equal_to(column, kind, value):
    if value is None:
        return IsNull(column)
    if str(kind) in ("float", "double"):
        return IsNaN(column) if value == "nan" else EqualTo(column, float(value))
    return EqualTo(column, literal(plain_value(kind, value)).to(kind))


def transformed(request):
    """What PyIceberg's transforms give of values in canonical form; decimals are answered unscaled."""
    kind = NestedField.model_validate({"id": 1, "name": "v", "type": request["type"], "required": False}).field_type
    transform = parse_transform(request["transform"]).transform(kind)
    return {"values": [plain_partition(transform(plain_value(kind, value))) for value in request["values"]]}


def plain_value(kind, canonical_value):
    if canonical_value is None or str(kind) in ("string", "boolean"):
        return canonical_value
    if str(kind) in INTEGERS:
        return int(canonical_value)
    if str(kind).startswith("decimal"):
        return Decimal(canonical_value)
    return uuid.UUID(canonical_value) if str(kind) == "uuid" else bytes.fromhex(canonical_value)


def plain_partition(value):
    if isinstance(value, Decimal):
        return str(int(value.scaleb(-value.as_tuple().exponent)))
    if isinstance(value, uuid.UUID):
        return value.hex
    return value.hex() if isinstance(value, bytes) else None if value is None else str(value)


def append(request):
    """Appends rows that a DuckDB query gives, in the types of the table."""
    table = catalog_of(request).load_table(request["table"])
    arrow = duckdb.sql(request["select"]).to_arrow_table()
    table.append(arrow.cast(table.scan().to_arrow().schema))
    return {}


def delete(request):
    catalog_of(request).load_table(request["table"]).delete(request["filter"])
    return {}


def create(request):
    """A table with columns id (int) and name (string) in the given format version."""
    catalog = catalog_of(request)
    catalog.create_namespace_if_not_exists(request["table"].split(".")[0])
    fields = [NestedField(1, "id", IntegerType(), required=False), NestedField(2, "name", StringType(), required=False)]
    catalog.create_table(request["table"], Schema(*fields), properties={"format-version": str(request.get("version", 2))})
    return {}


def create_partitioned(request):
    """The same table, partitioned by name."""
    catalog = catalog_of(request)
    catalog.create_namespace_if_not_exists(request["table"].split(".")[0])
    fields = [NestedField(1, "id", IntegerType(), required=False), NestedField(2, "name", StringType(), required=False)]
    by_name = PartitionSpec(PartitionField(source_id=2, field_id=1000, transform=IdentityTransform(), name="name"))
    catalog.create_table(request["table"], Schema(*fields), partition_spec=by_name)
    return {}


def refer(request):
    """Makes a tag or a branch."""
    with catalog_of(request).load_table(request["table"]).manage_snapshots() as change:
        make = change.create_tag if request["kind"] == "tag" else change.create_branch
        make(int(request["snapshot"]), request["name"], **request.get("rules", {}))
    return {}


def history(request):
    """Every snapshot with its rows, counted by reading them, and every file that the table refers to."""
    table = catalog_of(request).load_table(request["table"])
    snapshots, references = [], {table.metadata_location} | {entry.metadata_file for entry in table.metadata.metadata_log}
    for snapshot in table.snapshots():
        references.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            references.add(manifest.manifest_path)
            references |= {entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)}
        snapshots.append({
            "id": str(snapshot.snapshot_id),
            "operation": snapshot.summary.operation.value,
            "rows": table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows,
            "properties": dict(snapshot.summary.additional_properties),
        })
    refs = {name: str(ref.snapshot_id) for name, ref in table.metadata.refs.items()}
    return {"snapshots": snapshots, "references": sorted(references), "refs": refs}


def references(request):
    refs = catalog_of(request).load_table(request["table"]).metadata.refs
    return {"references": {name: str(ref.snapshot_ref_type.value) for name, ref in refs.items()}}


def tables(request):
    catalog = catalog_of(request)
    return {"tables": [".".join(name) for ns in catalog.list_namespaces() for name in catalog.list_tables(ns)]}


def duckdb_scan(request):
    connection = duckdb.connect()
    connection.execute("SET timezone = 'UTC'")
    for name in ("avro", "iceberg"):
        [extension] = [found for folder in site.getsitepackages() for found in glob.glob(f"{folder}/**/{name}.duckdb_extension", recursive=True)][:1]
        connection.execute(f"LOAD '{extension}'")
    arrow = connection.execute("SELECT * FROM iceberg_scan(?)", [request["metadata"]]).to_arrow_table()
    return {"rows": rows_of(arrow), "count": arrow.num_rows}


OPERATIONS = {f.__name__: f for f in (describe, scan, outside_bounds, planned, layout, found, transformed, append, delete, create, create_partitioned, refer, references, history, tables, duckdb_scan)}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"ok": OPERATIONS[request["operation"]](request)}
    except Exception as error:  # the test shows it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
