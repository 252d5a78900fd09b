import { rest } from '../../support/catalogs.ts';
import { useIcebergRest } from '../../support/iceberg-rest.ts';
import { describeCatalog } from './catalog-laws.ts';

const server = useIcebergRest();

describeCatalog(
  'a REST catalog',
  rest(() => server().uri),
  { createsWithRows: false, keepsHistory: true },
);
