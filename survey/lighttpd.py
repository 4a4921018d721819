"""lighttpd with two workers, asked."""
# version: lighttpd -v
from workload import *

need("lighttpd")
home, port = place(), free_port()
with open(f"{home}/index.html", "w") as page:
    page.write("well")
with open(f"{home}/conf", "w") as conf:
    conf.write(f'server.document-root = "{home}"\nserver.port = {port}\nserver.bind = "127.0.0.1"\n'
               f'server.max-worker = 2\nserver.event-handler = "linux-sysepoll"\nindex-file.names = ("index.html")\n')
server = start("lighttpd", "-D", "-f", f"{home}/conf")
until("lighttpd answers", lambda: http(port) == "well")
check(all(http(port) == "well" for _ in range(20)), "an answer")
server.send_signal(signal.SIGTERM)
ends(server, "lighttpd ends")
until("its workers end too", lambda: not run("pgrep", "-f", f"{home}/conf", ok=(0, 1)))
