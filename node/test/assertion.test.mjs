// The real polter on real processes; then everything that must not pass for clean.
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertNoGhosts, CannotTellError, GhostsFoundError } from '../index.mjs';

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

test('this process is clean', () => assertNoGhosts());

test('a real ghost is told with its fix', () => {
  const ran = spawnSync(process.execPath, [beside('../fixtures/ghost.mjs')], { encoding: 'utf8' });
  const [name, fd] = [/^GhostsFoundError ERR_ASSERTION fd (\d+)$/m, ran.stdout.match(/fd (\d+)$/m)?.[1]];
  assert.match(ran.stdout, name, ran.stderr);
  assert.match(ran.stdout, /process \d+ has 1 ghost\n {2}fork-ghost in \d+ \(node\)/);
  assert.ok(ran.stdout.includes(`fd ${fd}: `), ran.stdout);
  assert.match(ran.stdout, /fix: EPOLL_CTL_DEL/);
});

test('both kinds of module are one', () => {
  const required = createRequire(import.meta.url)('../index.cjs');
  assert.strictEqual(required.assertNoGhosts, assertNoGhosts);
});

test('a process that is not there cannot be told', () => {
  assert.throws(() => assertNoGhosts(2 ** 31 - 1), { name: 'CannotTellError', message: /no process/ });
  assert.throws(() => assertNoGhosts('1'), TypeError);
});

test('a missing polter cannot tell', () => {
  inPlaceOfPolter('/nowhere/polter', () => {
    assert.throws(() => assertNoGhosts(), /\$POLTER is \/nowhere\/polter/);
  });
  const path = process.env.PATH;
  inPlaceOfPolter(undefined, () => {
    process.env.PATH = '/nowhere';
    try {
      assert.throws(() => assertNoGhosts(), /polter is not installed/);
    } finally {
      process.env.PATH = path;
    }
  });
});

test('a test is skipped only if it asks for that, and says why', () => {
  const skipped = [];
  inPlaceOfPolter('/nowhere/polter', () => assertNoGhosts(process.pid, { optional: { skip: (why) => skipped.push(why) } }));
  assert.match(skipped[0], /cannot be told/);
  script(`echo '{"version": 1, "findings": [{"class": "dup-ghost"}]}'; exit 1`, () => {
    const optional = { skip: () => assert.fail('a ghost is no reason to skip') };
    assert.throws(() => assertNoGhosts(process.pid, { optional }), GhostsFoundError);
  });
});

for (const body of [
  'exit 0',
  `echo '{}'`,
  `echo '[]'`,
  `echo null`,
  'echo clean',
  `echo '{"version": 2, "findings": []}'`,
  `echo '{"version": 1, "findings": null}'`,
  `echo '{"version": 1, "findings": []}'; exit 2`,
  `echo '{"version": 1, "findings": []}'; exit 1`,
  `echo '{"version": 1, "findings": []}'; kill -9 $$`,
]) {
  test(`this answer does not pass: ${body}`, () => {
    script(body, () => assert.throws(() => assertNoGhosts(), CannotTellError));
  });
}

test('a hostile name stays in its place', () => {
  const finding = String.raw`{"class": "fork-ghost", "comm": "\u001b]0;x\u0007\u202e"}`;
  script(`echo '{"version": 1, "findings": [${finding}]}'; exit 1`, () => {
    assert.throws(() => assertNoGhosts(), (error) => !/[\u001b\u0007\u202e]/.test(error.message));
  });
});

/** Calls the function with a shell script in polter's place. */
function script(body, call) {
  const dir = mkdtempSync(join(tmpdir(), 'polter-'));
  try {
    const path = join(dir, 'polter');
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    inPlaceOfPolter(path, call);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function inPlaceOfPolter(path, call) {
  const before = process.env.POLTER;
  if (path === undefined) delete process.env.POLTER;
  else process.env.POLTER = path;
  try {
    call();
  } finally {
    if (before === undefined) delete process.env.POLTER;
    else process.env.POLTER = before;
  }
}
