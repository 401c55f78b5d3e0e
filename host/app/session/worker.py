"""The worker thread: carries out commands, moves the session on between them, and turns failures into messages."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from trelscope.host.app.session.connection import FAILURES, LINK_LOSSES
from trelscope.host.app.session.machine import Closed, SessionMachine

IDLE = 0.05  # s to wait for a command while no train runs
CLOSE_WAIT = 1.0  # s to wait for the thread to end

INTERNAL = "internal error, please report it"

Command = Callable[[], None]


class Worker:
    """Runs the machine in a thread of its own; nothing else may call the machine's methods."""

    def __init__(self, machine: SessionMachine) -> None:
        self._machine = machine
        self._commands: SimpleQueue[Command] = SimpleQueue()
        # A daemon: when the compiler runs at the time the window closes, nothing waits for it.
        self._thread = threading.Thread(target=self._work, name="session", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def has_died(self) -> bool:
        """Whether the thread has ended though nobody closed it."""
        return (
            self._thread.ident is not None and not self.alive and not self._machine.closing.is_set()
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def post(self, command: Command) -> None:
        """Have a command carried out; returns at once."""
        self._commands.put(command)

    def close(self) -> None:
        """End the thread, which switches the output off; waits for it, but not long."""
        self._machine.closing.set()
        self._thread.join(CLOSE_WAIT)

    # Everything below runs in the thread.

    def _work(self) -> None:
        machine = self._machine
        try:
            while not machine.closing.is_set():
                self._run_commands()
                if machine.running:
                    self._attempt(machine.take_frames)
                elif machine.link_lost:
                    self._attempt(machine.reconnect)
        except Closed:
            pass
        except BaseException as error:
            machine.fail(
                f"{INTERNAL}: {error!r}"
            )  # and the journal stays: nobody has said that it may go
            raise
        machine.end()

    def _run_commands(self) -> None:
        """Carry out all commands given; without a train, wait a little for one."""
        wait = 0.0 if self._machine.running else IDLE
        while not self._machine.closing.is_set():
            try:
                command = self._commands.get(timeout=wait) if wait else self._commands.get_nowait()
            except Empty:
                return
            self._attempt(command)
            wait = 0.0

    def _attempt(self, action: Command) -> None:
        """Do it. A lost link is opened again, any other failure ends the average; what was measured stays shown."""
        try:
            action()
        except Closed:
            raise
        except LINK_LOSSES as error:
            self._machine.lose_link(str(error))
        except FAILURES as error:
            self._machine.fail(str(error))
        except Exception as error:
            logging.getLogger(__name__).exception("internal error")
            self._machine.fail(f"{INTERNAL}: {error!r}")
