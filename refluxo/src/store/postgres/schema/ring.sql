-- Tells all who listen on the channel, in notifications of less than 8000 bytes. Each begins with the name of its sender.
CREATE FUNCTION {schema}.ring(channel text, sender text, rings text[]) RETURNS void LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $$
DECLARE
    payload text := sender;
    ring text;
BEGIN
    FOREACH ring IN ARRAY rings LOOP
        IF octet_length(payload) + octet_length(ring) > 7000 THEN
            PERFORM pg_notify(channel, payload);
            payload := sender;
        END IF;
        payload := payload || E'\n' || ring;
    END LOOP;
    PERFORM pg_notify(channel, payload);
END $$;

-- The second key of the advisory lock that shows that a session lives.
CREATE FUNCTION {schema}.session_lock(session bytea) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT hashtext(encode(session, ''hex''))';

-- Whether a lock that nobody has tells anything. After the server's start those who live must connect again first.
CREATE FUNCTION {schema}.locks_tell() RETURNS boolean LANGUAGE sql VOLATILE
    AS 'SELECT clock_timestamp() - pg_postmaster_start_time() > interval ''4 seconds''';
