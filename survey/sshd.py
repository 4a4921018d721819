"""OpenSSH's server and client: a login with a key, commands, their exit codes."""
# version: sshd -V
from workload import *

os.environ["PATH"] += ":/usr/sbin"
need("sshd", "ssh", "ssh-keygen")
home, port = place(), free_port()
run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{home}/host")
run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{home}/me")
os.makedirs("/run/sshd", exist_ok=True)
with open(f"{home}/conf", "w") as conf:
    conf.write(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nAuthorizedKeysFile {home}/me.pub\n"
               f"StrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile {home}/pid\n")
start(shutil.which("sshd"), "-D", "-f", f"{home}/conf")


def ssh(command):
    import pwd
    me = pwd.getpwuid(os.getuid()).pw_name
    return subprocess.run(["ssh", "-p", str(port), "-i", f"{home}/me", "-F", "/dev/null", "-o",
                           "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", f"{me}@127.0.0.1", command],
                          capture_output=True, text=True, timeout=40, stdin=subprocess.DEVNULL)


until("a login", lambda: ssh("echo well").stdout == "well\n", 60)
check(ssh("exit 3").returncode == 3, "an exit code")
