/* http-once.c - one request, one answer: the connection is standard input and output. */
#include <string.h>
#include <unistd.h>

int main(void)
{
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n"
                                     "Connection: close\r\n\r\nHello, bench!\n";
        char request[4096];
        size_t got = 0;
        ssize_t n;

        while (got < sizeof(request) && (n = read(0, request + got, sizeof(request) - got)) > 0) {
                got += (size_t)n;
                if (got >= 4 && memcmp(request + got - 4, "\r\n\r\n", 4) == 0)
                        return write(1, answer, sizeof(answer) - 1) < 0;
        }
        return 1;
}
