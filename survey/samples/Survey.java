// A selector with a pipe, and processes started meanwhile.
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;

public class Survey {
    public static void main(String[] args) throws Exception {
        Selector selector = Selector.open();
        Pipe pipe = Pipe.open();
        pipe.source().configureBlocking(false);
        pipe.source().register(selector, SelectionKey.OP_READ);
        for (int n = 0; n < 4; n++) {
            Process child = new ProcessBuilder("true").start();
            if (child.waitFor() != 0) System.exit(1);
            pipe.sink().write(ByteBuffer.wrap(new byte[] {1}));
            if (selector.select(20000) != 1) System.exit(2);
            selector.selectedKeys().clear();
            pipe.source().read(ByteBuffer.allocate(1));
        }
        System.out.println("well");
    }
}
