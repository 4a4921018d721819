"""Node: child_process, by spawn with pipes, exec, and fork with messages."""
# version: node --version
from workload import *

need("node")
home = place()
with open(f"{home}/p.js", "w") as code:
    code.write("""
const cp = require('child_process');
const cat = cp.spawn('cat'); let got = '';
cat.stdout.on('data', d => got += d);
cat.on('close', () => {
  if (got != 'hello') process.exit(1);
  cp.exec('echo there; exit 3', (e, out) => {
    if (e.code != 3 || out != 'there\\n') process.exit(2);
    const kid = cp.fork(__dirname + '/k.js'); let n = 0;
    kid.on('message', m => { if (m != n + 1) process.exit(3); n = m; if (n < 20) kid.send(n); else kid.disconnect(); });
    kid.on('exit', () => console.log(n == 20 ? 'well' : 'short'));
    kid.send(n);
  });
});
cat.stdin.write('hello'); cat.stdin.end();
""")
with open(f"{home}/k.js", "w") as code:
    code.write("process.on('message', m => process.send(m + 1));")
check("well" in run("node", f"{home}/p.js"), "the children answer")
