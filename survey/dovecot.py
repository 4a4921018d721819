"""Dovecot: a master with services that it forks and execs, IMAP logins one after the other, and a reload."""
# version: dovecot --version
import pwd

from workload import *

os.environ["PATH"] += ":/usr/sbin"
need("dovecot", "doveadm")
if os.getuid() != 0:
    print("dovecot's master is root's, and this is an ordinary user")
    sys.exit(77)
if not os.path.exists("/usr/lib/dovecot/imap"):
    print("dovecot's IMAP is not installed")
    sys.exit(77)
home, port = place(), free_port()
me = pwd.getpwnam("mail")
os.makedirs(f"{home}/mail")
os.chown(f"{home}/mail", me.pw_uid, me.pw_gid)
with open(f"{home}/conf", "w") as conf:
    conf.write(f"""
base_dir = {home}/run
log_path = {home}/log
ssl = no
disable_plaintext_auth = no
protocols = imap
mail_location = maildir:{home}/mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password=well
}}
userdb {{
  driver = static
  args = uid={me.pw_uid} gid={me.pw_gid} home={home}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""")


def ask():
    with socket.create_connection(("127.0.0.1", port), 15) as peer:
        lines = peer.makefile("rwb")
        lines.readline()
        for command in (b"a login me well", b"b select inbox", b"c noop", b"d logout"):
            lines.write(command + b"\r\n")
            lines.flush()
            while not (line := lines.readline()).startswith(command[:2]):
                if not line:
                    return False
            if b" OK" not in line:
                return False
    return True


server = start("dovecot", "-F", "-c", f"{home}/conf")
until("dovecot answers", ask, 60)
for turn in range(2):
    check(all(ask() for _ in range(3)), "a login")
    server.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    until("dovecot answers after the reload", ask, 60)
server.send_signal(signal.SIGTERM)
ends(server, "dovecot ends")
