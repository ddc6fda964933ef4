package dev.crossfade.client;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** What stands between a client and a server, and can swallow what passes while its connections stay: as an instance does that hangs. */
final class Link implements AutoCloseable {
  private static final int BYTES = 32 * 1024;

  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Queue<Closeable> open = new ConcurrentLinkedQueue<>();
  private final int toPort;
  private volatile boolean isSilent;

  Link(int toPort) throws IOException {
    this.toPort = toPort;
    open.add(listener);
    run(this::accept);
  }

  String address() {
    return "127.0.0.1:" + listener.getLocalPort();
  }

  void swallow() {
    isSilent = true;
  }

  @Override
  public void close() throws IOException {
    for (Closeable one : open) {
      one.close();
    }
  }

  private void accept() throws IOException {
    while (true) {
      Socket near = listener.accept();
      Socket far = new Socket(InetAddress.getLoopbackAddress(), toPort);
      open.add(near);
      open.add(far);
      run(() -> carry(near, far));
      run(() -> carry(far, near));
    }
  }

  private void carry(Socket from, Socket to) throws IOException {
    byte[] bytes = new byte[BYTES];
    for (int count; (count = from.getInputStream().read(bytes)) >= 0; ) {
      if (!isSilent) {
        to.getOutputStream().write(bytes, 0, count);
      }
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void run(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException closed) {
                // The test is over, or one end has gone.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }
}
