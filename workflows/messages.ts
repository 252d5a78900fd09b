import { defineQuery } from '@temporalio/workflow';
import type { ObjectProgress } from '../contracts/run.ts';

/** Where an object stands; asked of `ingestObject`. */
export const objectProgressQuery = defineQuery<ObjectProgress>('progress');
