/* UDP ports of loopback that nobody uses: a test of an own port must not meet another one's. */
#ifndef KITH_TESTS_IO_PORTS_H
#define KITH_TESTS_IO_PORTS_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket on this port, 0: on any; -1 when it is taken. */
static inline int hold_port(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The first of two free ports in a row. */
static inline uint16_t two_free_ports(void)
{
    for (int i = 0; i < 1000; i++) {
        int one = hold_port(0);
        struct sockaddr_in address = {0};
        socklen_t len = sizeof address;
        ck_assert_int_eq(getsockname(one, (struct sockaddr *)&address, &len), 0);
        uint16_t port = ntohs(address.sin_port);
        int other = port < UINT16_MAX ? hold_port((uint16_t)(port + 1)) : -1;
        close(one);
        if (other >= 0) {
            close(other);
            return port;
        }
    }
    ck_abort_msg("no two UDP ports in a row are free");
    return 0;
}

#endif
