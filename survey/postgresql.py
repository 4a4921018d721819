"""PostgreSQL: a postmaster that forks a backend a connection, and its helpers; written to and restarted."""
# version: postgres --version
import pwd

from workload import *

need("postgres", "initdb")
home, port = place(), free_port()
as_user = {}
if os.getuid() == 0:
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
run("initdb", "--no-sync", "-N", "-D", f"{home}/d", "-U", "me", "-A", "trust", "-E", "UTF8", "--locale=C", **as_user)
need("psql")


def sql(text):
    came = subprocess.run(["psql", "-h", home, "-p", str(port), "-U", "me", "-Atc", text, "postgres"],
                          capture_output=True, text=True, timeout=PATIENCE)
    return came.stdout.strip() if came.returncode == 0 else came.stderr.strip()


for turn in range(2):
    server = start("postgres", "-D", f"{home}/d", "-k", home, "-p", str(port), "-c", "listen_addresses=",
                   "-c", "fsync=off", cwd=home, **as_user)
    until("the server answers", lambda: sql("select 1") == "1")
    said = sql("create table if not exists t (n int)")
    check(said.endswith("CREATE TABLE"), f"a table: {said}")
    for n in range(5):
        said = sql(f"insert into t values ({n})")
        check(said == "INSERT 0 1", f"a write: {said}")
    check(sql("select count(*) from t") == str(5 * (turn + 1)), "a count")
    check(sql("select pg_sleep(0.2); checkpoint") is not None, "a checkpoint")
    server.send_signal(signal.SIGTERM)
    ends(server, "the server ends")
