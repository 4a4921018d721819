/** A process has ghosts. */
export class GhostsFoundError extends Error {
  readonly code: 'ERR_ASSERTION';
  /** polter's findings, as `polter scan --format json` writes them. */
  readonly ghosts: ReadonlyArray<Record<string, unknown>>;
}

/** polter is missing, or could not see enough. That is not a pass. */
export class CannotTellError extends Error {}

/**
 * Throws if an instance that process `pid` holds has a ghost, or if that cannot be told. Without `pid`, it is about
 * this process. With a test's context as `optional`, that test is skipped where it cannot be told.
 */
export function assertNoGhosts(pid?: number, options?: { optional?: { skip(why?: string): void } }): void;
