// Runs `polter scan` on a process and reads its answer.
'use strict';

const { spawnSync } = require('node:child_process');

// The version of polter's JSON that is read here.
const VERSION = 1;
const TIMEOUT_MS = 120_000;

/** A process has ghosts. */
class GhostsFoundError extends Error {
  constructor(message, ghosts) {
    super(message);
    this.name = 'GhostsFoundError';
    this.code = 'ERR_ASSERTION';
    this.ghosts = ghosts;
  }
}

/** polter is missing, or could not see enough. That is not a pass. */
class CannotTellError extends Error {
  constructor(pid, why) {
    super(`whether process ${pid} has ghosts cannot be told: ${why}`);
    this.name = 'CannotTellError';
  }
}

/**
 * Throws if an instance that process `pid` holds has a ghost, or if that cannot be told.
 * With a test's context as `optional`, that test is skipped where it cannot be told.
 */
function assertNoGhosts(pid = process.pid, { optional } = {}) {
  try {
    look(pid);
  } catch (error) {
    if (!(error instanceof CannotTellError) || optional === undefined) throw error;
    optional.skip(error.message);
  }
}

function look(pid) {
  if (!Number.isSafeInteger(pid)) throw new TypeError(`a pid is a whole number, and not ${plain(String(pid))}`);
  const ran = spawnSync(
    process.env.POLTER || 'polter',
    ['scan', '--format', 'json', '--fail-on', 'ghost', String(pid)],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS, maxBuffer: 1 << 30 },
  );
  if (ran.error) throw new CannotTellError(pid, notRun(ran.error));
  const ghosts = findings(pid, ran).filter((it) => String(it.class).endsWith('-ghost'));
  if (ghosts.length > 0) throw new GhostsFoundError(told(pid, ghosts), ghosts);
  if (ran.status !== 0) throw new CannotTellError(pid, said(ran));
}

function notRun(error) {
  if (error.code !== 'ENOENT') return plain(error.message);
  if (process.env.POLTER) return `$POLTER is ${plain(process.env.POLTER)}, and that cannot be run`;
  return 'polter is not installed: put it on the PATH, or name it in $POLTER';
}

function findings(pid, ran) {
  let report;
  try {
    report = JSON.parse(ran.stdout.toString());
  } catch {
    throw new CannotTellError(pid, said(ran));
  }
  if (report === null || typeof report !== 'object') throw new CannotTellError(pid, said(ran));
  if (report.version !== VERSION || !Array.isArray(report.findings)) {
    throw new CannotTellError(pid, `polter does not write version ${VERSION} of its JSON; ${said(ran)}`);
  }
  return report.findings;
}

function said(ran) {
  const text = ran.stderr.toString().trim() || 'not everything that was asked about could be told';
  return `polter ended with ${ran.status ?? ran.signal}: ${plain(text)}`;
}

function told(pid, ghosts) {
  const lines = ghosts.map((it) => {
    const [comm, summary, fix] = [it.comm, it.summary, it.fix].map((text) => plain(String(text)));
    return `  ${it.class} in ${it.pid} (${comm}), fd ${it.fd}: ${summary}\n    fix: ${fix}`;
  });
  return [`process ${pid} has ${ghosts.length} ghost${ghosts.length === 1 ? '' : 's'}`, ...lines].join('\n');
}

/** A text that does no harm on a terminal: a process may have any name. */
function plain(text) {
  return text.replace(/[^\n\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

module.exports = { assertNoGhosts, CannotTellError, GhostsFoundError };
