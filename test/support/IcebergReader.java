import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.expressions.Expressions;

/**
 * Prints the rows of a table of a SQLite catalog as Iceberg's own Java library reads them, a line for each, its values
 * in the order of the schema and between tabs. Arguments: path of the catalog, warehouse, namespace, table, and pairs of
 * a column and a value: for each pair a blank line and the rows with that value, which the reader prunes files by.
 */
class IcebergReader {
  public static void main(String[] arguments) throws Exception {
    var properties = Map.of(
        "catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog",
        "uri", "jdbc:sqlite:" + arguments[0],
        "warehouse", arguments[1]);
    var catalog = CatalogUtil.buildIcebergCatalog("default", properties, new Configuration());
    var table = catalog.loadTable(TableIdentifier.of(arguments[2], arguments[3]));
    print(table, IcebergGenerics.read(table));
    for (int i = 4; i < arguments.length; i += 2) {
      System.out.println();
      print(table, IcebergGenerics.read(table).where(Expressions.equal(arguments[i], arguments[i + 1])));
    }
  }

  private static void print(Table table, IcebergGenerics.ScanBuilder scan) throws Exception {
    try (var rows = scan.build()) {
      for (Record row : rows) {
        var line = table.schema().columns().stream().map(field -> text(row.getField(field.name())));
        System.out.println(line.collect(Collectors.joining("\t")));
      }
    }
  }

  private static String text(Object value) {
    if (value instanceof ByteBuffer bytes) {
      var copy = new byte[bytes.remaining()];
      bytes.duplicate().get(copy);
      return HexFormat.of().formatHex(copy);
    }
    if (value instanceof List<?> list) return list.stream().map(IcebergReader::text).toList().toString();
    if (value instanceof Map<?, ?> map) {
      var sorted = new TreeMap<String, String>();
      map.forEach((key, item) -> sorted.put(text(key), text(item)));
      return sorted.toString();
    }
    if (value instanceof Record record) {
      var fields = record.struct().fields().stream();
      return fields.map(field -> text(record.getField(field.name()))).toList().toString();
    }
    return String.valueOf(value);
  }
}
