"""Node: a cluster whose workers share a listening socket, and answer."""
# version: node --version
from workload import *

need("node")
home = place()
with open(f"{home}/c.js", "w") as code:
    code.write("""
const cluster = require('cluster'), http = require('http');
if (cluster.isPrimary) {
  let up = 0; const seen = new Set(); let asked = 0;
  const fork = () => cluster.fork();
  cluster.on('listening', (w, a) => { if (++up == 2) ask(a.port); });
  fork(); fork();
  function ask(port) {
    http.get({port, agent: false}, r => { let b = ''; r.on('data', d => b += d); r.on('end', () => {
      seen.add(b);
      if (++asked < 12) return ask(port);
      console.log('answers', asked);
      for (const w of Object.values(cluster.workers)) w.disconnect();
    }); });
  }
  cluster.on('exit', () => { if (--up == 0) { console.log('well'); } });
} else {
  http.createServer((q, s) => s.end(String(process.pid))).listen(0, '127.0.0.1');
}
""")
check("well" in run("node", f"{home}/c.js"), "the cluster answers and ends")
