import { inObjectStore, postgres, rest, sqlite } from '../../support/catalogs.ts';
import { useIcebergRest } from '../../support/iceberg-rest.ts';
import { usePostgres } from '../../support/postgres.ts';
import { useS3 } from '../../support/s3.ts';
import { describeCatalog } from './catalog-laws.ts';

const s3 = useS3();

const database = usePostgres();
const server = useIcebergRest(s3);

describeCatalog('a SQLite catalog and an object store', inObjectStore(sqlite, s3), {
  createsWithRows: true,
  keepsHistory: true,
});

const inPostgres = postgres(() => database().database());
describeCatalog('a Postgres catalog and an object store', inObjectStore(inPostgres, s3), {
  createsWithRows: true,
  keepsHistory: true,
});

const behindRest = rest(() => server().uri);
describeCatalog('a REST catalog and an object store', inObjectStore(behindRest, s3), {
  createsWithRows: false,
  keepsHistory: true,
});
