"""Clients for checks_sockets.py, run in the network namespace of an init (nsenter). Says what came of them as JSON.

  net_client.py storm ADDRESS PORT AT_LEAST THREADS STOP   connects until there is a file STOP and AT_LEAST have connected;
                                                           a line for each server that answers for the first time
  net_client.py ask ADDRESS PORT [TEXT]                    one line there and back
  net_client.py hold ADDRESS PORT COUNT                    opens COUNT connections, says how many were answered; a line of
                                                           input for each one that is to be closed
"""
import json
import os
import socket
import sys
import threading
import time

what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET


def connect(timeout=20):
    client = socket.socket(family, socket.SOCK_STREAM)
    client.settimeout(timeout)
    client.connect((address, port))
    return client


def ask(text):
    """The answer to one line on a connection of its own."""
    with connect() as client:
        client.sendall(text.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            more = client.recv(4096)
            if not more:
                break
            answer += more
        return answer.decode().rstrip("\n")


def storm(at_least, threads, stop):
    lock = threading.Lock()
    result = {"answered": 0, "refused": 0, "lost": 0, "wrong": 0, "faults": [], "servers": []}
    servers, next_number = set(), [0]
    end = time.monotonic() + 90

    def client():
        while time.monotonic() < end:
            with lock:
                number = next_number[0]
                if number >= at_least and os.path.exists(stop):
                    return
                next_number[0] += 1
            kind, fault, pid = "lost", None, None
            try:
                answer = ask(f"number {number}").split(" ", 1)
                kind = "lost" if answer == [""] else "answered" if answer[1:] == [f"number {number}"] else "wrong"
                pid = answer[0]
            except ConnectionRefusedError as error:
                kind, fault = "refused", repr(error)
            except OSError as error:
                fault = repr(error)
            with lock:
                result[kind] += 1
                if kind == "answered" and pid not in servers:
                    servers.add(pid)
                    print(pid, flush=True)
                if fault and len(result["faults"]) < 5:
                    result["faults"].append(fault)

    began = time.monotonic()
    workers = [threading.Thread(target=client) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    result["seconds"], result["servers"] = round(time.monotonic() - began, 2), len(servers)
    return result


if what == "storm":
    print(json.dumps(storm(int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])))
elif what == "ask":
    try:
        print(json.dumps({"answer": ask(" ".join(sys.argv[4:]))}))
    except OSError as error:
        print(json.dumps({"fault": os.strerror(error.errno) if error.errno else str(error)}))
elif what == "hold":
    clients = [connect() for _ in range(int(sys.argv[4]))]
    for client in clients:
        client.settimeout(0.01)
    answered = {}

    def look():
        """Who has had a greeting by now."""
        for number, client in enumerate(clients):
            if number not in answered:
                try:
                    answered[number] = client.recv(100).decode()
                except OSError:
                    pass
    for line in sys.stdin:
        words = line.split()
        if words[0] == "close":
            clients[int(words[1])].close()
            answered[int(words[1])] = "closed"
        look()
        print(json.dumps({"answered": sum(text not in ("", "closed") for text in answered.values()),
                          "ended": sum(text == "" for text in answered.values())}), flush=True)
