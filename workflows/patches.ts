/**
 * Names of changes that runs of earlier versions must not see: each is asked for with `patched()`, and stays until no such
 * run can go on any more.
 */

/** An activity extracts several chunks; before, each chunk had one of its own. */
export const CHUNKS_TOGETHER = 'chunks-together';
