"""A real Kafka for the tests: Apache's jars from Maven Central, one broker or several, in KRaft mode."""
