import java.io.*;
import java.sql.*;
import org.postgresql.util.*;

class Jdbc {
    public static void main(String[] args) throws Exception {
        Connection connection = DriverManager.getConnection(args[0]);
        InputStream stream = new ByteArrayInputStream("bytes\0of the file".getBytes());
        // USE
        // REFUSED
        // TEST
        try (Connection simple = DriverManager.getConnection(args[0] + "&preferQueryMode=simple")) {
            PreparedStatement trap = simple.prepareStatement("SELECT ffu.file('a.txt', ?)");
            trap.setBytes(1, new byte[] {(byte) 255, 0});
            trap.executeQuery();
            System.out.println("no trap");
        } catch (SQLException error) {
        }
        ResultSet count = connection.createStatement().executeQuery("SELECT count(*) FROM blogs");
        count.next();
        System.out.println(size + " " + url.substring(url.length() - 4) + " " + refused.getConstraint() + " " + refused.getColumn() + " " + count.getInt(1));
    }
}
