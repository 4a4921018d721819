"""uvicorn with two worker processes, asked."""
# version: python:uvicorn
from workload import *

python = python_with("uvicorn")
home, port = place(), free_port()
with open(f"{home}/app.py", "w") as code:
    code.write("""
async def app(scope, receive, send):
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        await send({'type': 'http.response.body', 'body': b'well'})
""")
master = start(python, "-m", "uvicorn", "app:app", "--workers", "2", "--port", str(port), "--lifespan", "off", cwd=home)
until("uvicorn answers", lambda: http(port) == "well", 60)
check(all(http(port) == "well" for _ in range(10)), "an answer")
master.send_signal(signal.SIGTERM)
ends(master, "uvicorn ends")
