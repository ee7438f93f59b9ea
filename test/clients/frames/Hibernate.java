import org.hibernate.*;
import org.hibernate.cfg.*;
import org.hibernate.exception.*;
import javax.persistence.*;

class Hibernate {
    // MODEL

    public static void main(String[] args) throws Exception {
        Configuration configuration = new Configuration().addAnnotatedClass(Blog.class)
            .setProperty("hibernate.dialect", "org.hibernate.dialect.PostgreSQLDialect")
            .setProperty("hibernate.connection.driver_class", "org.postgresql.Driver")
            .setProperty("hibernate.connection.url", args[0])
            .setProperty("hibernate.hbm2ddl.auto", "validate");
        SessionFactory factory = configuration.buildSessionFactory();
        Session session = factory.openSession();
        byte[] bytes = "bytes\0of the file".getBytes();
        // USE
        // REFUSED
        // TEST
        System.out.println(blog.size + " " + url.substring(url.length() - 4) + " " + refused + " " + session.createQuery("from Hibernate$Blog").list().size());
        session.beginTransaction();
        session.createSQLQuery("ALTER TABLE blogs RENAME TO others").executeUpdate();
        session.createSQLQuery("CREATE TABLE blogs (id int, title text)").executeUpdate();
        session.createSQLQuery("SELECT 1 FROM ffu.add_column('blogs', 'photo')").list();
        session.getTransaction().commit();
        try {
            configuration.buildSessionFactory().close();
            System.out.println("no trap");
        } catch (HibernateException error) {
        }
        session.beginTransaction();
        session.createSQLQuery("DROP TABLE blogs").executeUpdate();
        session.createSQLQuery("ALTER TABLE others RENAME TO blogs").executeUpdate();
        session.getTransaction().commit();
        factory.close();
    }
}
