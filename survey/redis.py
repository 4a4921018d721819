"""Redis: snapshots and an append-only file rewritten by forked children, while it is being written to."""
# version: redis-server --version
from workload import *

need("redis-server", "redis-cli")
home, port = place(), str(free_port())
start("redis-server", "--port", port, "--dir", home, "--appendonly", "yes", "--save", "")


def cli(*words):
    return subprocess.run(["redis-cli", "-p", port, *words], capture_output=True, text=True, timeout=20).stdout.strip()


until("redis answers", lambda: cli("ping") == "PONG")
for turn in range(3):
    for n in range(5):
        check(cli("set", f"k{turn}{n}", "v" * 1000) == "OK", "a write")
    cli("bgsave")
    until("the snapshot", lambda: "rdb_bgsave_in_progress:0" in cli("info", "persistence"))
    cli("bgrewriteaof")
    until("the rewrite", lambda: "aof_rewrite_in_progress:0" in cli("info", "persistence"))
    check("rdb_last_bgsave_status:ok" in cli("info", "persistence"), "the snapshot's end")
check(cli("get", "k24") == "v" * 1000, "a read")
cli("shutdown", "nosave")
