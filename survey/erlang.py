"""Erlang: a port to another program, and a server with its client, under epoll."""
# version: pkg:erlang-base
from workload import *

need("erl")
out = run("erl", "-noshell", "-eval", """
P = open_port({spawn, "cat"}, [binary, stream]), port_command(P, <<"well">>),
receive {P, {data, <<"well">>}} -> ok after 20000 -> halt(2) end,
{ok, L} = gen_tcp:listen(0, [binary, {active, false}]), {ok, N} = inet:port(L),
spawn(fun() -> {ok, C} = gen_tcp:connect("127.0.0.1", N, [binary]), gen_tcp:send(C, <<"hello">>), timer:sleep(1000) end),
{ok, S} = gen_tcp:accept(L, 20000), {ok, <<"hello">>} = gen_tcp:recv(S, 5, 20000), "3\\n" = os:cmd("echo 3"),
io:format("well~n"), halt(0).
""")
check("well" in out, "ports and sockets answer")
