/* Ports of loopback that nobody uses: a test of an own port must not meet another one's. */
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
static inline int hold_port_of(int type, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int hold_port(uint16_t port)
{
    return hold_port_of(SOCK_DGRAM, port);
}

static inline uint16_t port_of_socket(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof address;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

/* Of SOCK_STREAM or SOCK_DGRAM. */
static inline uint16_t free_port(int type)
{
    int fd = hold_port_of(type, 0);
    uint16_t port = port_of_socket(fd);
    close(fd);
    return port;
}

/* The first of two free ports in a row. */
static inline uint16_t two_free_ports(void)
{
    for (int i = 0; i < 1000; i++) {
        int one = hold_port(0);
        uint16_t port = port_of_socket(one);
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
