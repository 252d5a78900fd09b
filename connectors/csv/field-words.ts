/** Words that the names of columns are often made of and that are seldom values. */
export const FIELD_WORDS: ReadonlySet<string> = new Set(
  (
    'account address age amount area at author brand campaign carrier category channel city class code color colour ' +
    'comment company contact content cost count country county created currency customer date day dept department ' +
    'description dest destination device domain email mail end event file first firstname flag fname from gender ' +
    'group height hour id ids image ip isbn item key kind label lang language last lastname lat latitude level link ' +
    'lname location lon longitude message method mobile model month name names note notes number occupation order ' +
    'origin owner page parent path payment phone postcode price product province quantity rank rating reason ref ' +
    'reference region role score sex size sku source start state status street subject surname symbol tag tags ' +
    'target team tel text time timestamp title total type uid unit updated uri url user username uuid value vendor ' +
    'version year zip zipcode'
  ).split(' '),
);
