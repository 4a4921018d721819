"""tmux (libevent): a server forked by its client, a shell in a window, keys and what they do."""
# version: tmux -V
import atexit

from workload import *

need("tmux")
home = place()
os.environ["TERM"] = "screen"


def tmux(*words):
    return run("tmux", "-f", "/dev/null", "-S", f"{home}/s", *words)


# It is nobody's child, and would stay.
atexit.register(subprocess.run, ["tmux", "-S", f"{home}/s", "kill-server"], capture_output=True)
tmux("new-session", "-d", "-x", "80", "-y", "20", "sh")
for n in range(3):
    tmux("send-keys", f"echo we''ll{n}", "Enter")
    until("the window shows it", lambda: f"well{n}" in tmux("capture-pane", "-p"))
    tmux("run-shell", "true")
tmux("kill-server")
