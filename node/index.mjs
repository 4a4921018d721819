// The same functions for `import`; there is one copy of them, so that `instanceof` holds.
import polter from './index.cjs';

export const { assertNoGhosts, CannotTellError, GhostsFoundError } = polter;
