/* network.c - addresses, networks and ports of keys; which address a connection may go to. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/draft.h"
#include "policy/network.h"
#include "policy/number.h"

static const struct {
        const char *network, *text;
} special[] = {
#define SPECIAL(network, text) { network, text },
#include "policy/networks.def"
};

static int bad(struct error *err, const char *what)
{
        return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%s", what);
}

/* Bit @i of an address, from the left. */
static bool bit(const uint8_t *address, unsigned i)
{
        return address[i / 8] >> (7 - i % 8) & 1;
}

int network_read(const char *text, struct network *ret, struct error *err)
{
        const char *slash = strchr(text, '/');
        size_t n = slash ? (size_t)(slash - text) : strlen(text);
        struct network net = { 0 };
        char address[INET6_ADDRSTRLEN];
        uint64_t bits;
        unsigned all;

        if (n >= sizeof(address))
                return bad(err, "not an address");
        memcpy(address, text, n);
        address[n] = '\0';
        net.v6 = strchr(address, ':') != NULL;
        if (inet_pton(net.v6 ? AF_INET6 : AF_INET, address, net.address) != 1)
                return bad(err, "not an address");
        bits = all = net.v6 ? 128 : 32;
        if (slash && (number_count(slash + 1, &bits) < 0 || bits > all))
                return bad(err, "not the length of a network's prefix");
        net.bits = (uint8_t)bits;
        for (unsigned i = net.bits; i < all; i++)
                if (bit(net.address, i))
                        return bad(err, "a network with bits behind its prefix");
        *ret = net;
        return 0;
}

bool network_contains(const struct network *outer, const struct network *inner)
{
        if (outer->v6 != inner->v6 || outer->bits > inner->bits)
                return false;
        for (unsigned i = 0; i < outer->bits; i++)
                if (bit(outer->address, i) != bit(inner->address, i))
                        return false;
        return true;
}

const char *network_special(const struct network *n, struct network *ret)
{
        for (size_t i = 0; i < ELEMENTSOF(special); i++)
                if (network_read(special[i].network, ret, NULL) == 0 && network_contains(ret, n))
                        return special[i].text;
        return NULL;
}

char *network_text(const struct network *n, char *text, size_t size)
{
        char address[INET6_ADDRSTRLEN] = "";

        inet_ntop(n->v6 ? AF_INET6 : AF_INET, n->address, address, sizeof(address));
        if (n->bits == (n->v6 ? 128 : 32))
                snprintf(text, size, "%s", address);
        else
                snprintf(text, size, "%s/%u", address, n->bits);
        return text;
}

bool networks_allow(const struct network *networks, unsigned n, const struct network *inner,
                    const char **ret_why)
{
        struct network row;
        const char *what = network_special(inner, &row);
        bool inside = n == 0;

        for (unsigned i = 0; i < n; i++) {
                if (!network_contains(&networks[i], inner))
                        continue;
                inside = true;
                if (what && network_contains(&row, &networks[i]))
                        return true;
        }
        *ret_why = inside ? what : "outside of the key's networks";
        return inside && !what;
}

/* One address as a network; IPv4 that wears IPv6 (mapped, or through a translator) as IPv4. */
static bool from_sockaddr(const struct sockaddr *address, struct network *ret, uint16_t *ret_port)
{
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        static const uint8_t translated[12] = { 0x00, 0x64, 0xff, 0x9b };
        struct network n = { 0 };

        if (address->sa_family == AF_INET) {
                const struct sockaddr_in *in = (const void *)address;

                memcpy(n.address, &in->sin_addr, 4);
                n.bits = 32;
                *ret_port = ntohs(in->sin_port);
        } else if (address->sa_family == AF_INET6) {
                const struct sockaddr_in6 *in6 = (const void *)address;

                *ret_port = ntohs(in6->sin6_port);
                if (memcmp(&in6->sin6_addr, mapped, 12) == 0 || memcmp(&in6->sin6_addr, translated, 12) == 0) {
                        memcpy(n.address, (const uint8_t *)&in6->sin6_addr + 12, 4);
                        n.bits = 32;
                } else {
                        memcpy(n.address, &in6->sin6_addr, 16);
                        n.bits = 128;
                        n.v6 = true;
                }
        } else {
                return false;
        }
        *ret = n;
        return true;
}

bool key_allows_address(const struct key *key, const struct sockaddr *address, char *why, size_t size)
{
        const char *reason = "not an address of IPv4 or IPv6";
        char text[64] = "the address";
        struct network n;
        uint16_t port = 0;

        if (key->kind != KEY_CONNECT) {
                reason = "the key opens no connections";
        } else if (from_sockaddr(address, &n, &port)) {
                network_text(&n, text, sizeof(text));
                if (port < key->port || port > key->port_last)
                        reason = "outside of the key's ports";
                else if (networks_allow(key->networks, key->nnetworks, &n, &reason))
                        return true;
        }
        snprintf(why, size, "%s port %u: %s", text, port, reason);
        return false;
}

/* "80" or, for connections, "80-90". */
static int read_ports(const char *text, bool connect, struct address_text *ret)
{
        const char *dash = strchr(text, '-');
        char first[8];
        size_t n = dash ? (size_t)(dash - text) : strlen(text);
        uint64_t low, high;

        if (n >= sizeof(first) || (dash && !connect))
                return -EINVAL;
        memcpy(first, text, n);
        first[n] = '\0';
        if (number_count(first, &low) < 0 || number_count(dash ? dash + 1 : first, &high) < 0 || low < 1 ||
            high > 65535 || low > high)
                return -EINVAL;
        ret->port = (uint16_t)low;
        ret->port_last = (uint16_t)high;
        return 0;
}

static bool is_host_name(const char *text)
{
        size_t n = strlen(text);
        bool letter = false;

        if (n == 0 || n > 253 || *text == '.' || *text == '-')
                return false;
        for (; *text; text++) {
                if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                      (*text >= '0' && *text <= '9') || *text == '-' || *text == '.'))
                        return false;
                letter = letter || (*text | 32) >= 'a';
        }
        return letter; /* digits and dots alone are a number that inet_pton() did not like */
}

/* Host part of length @n at @text, brackets taken away, into the pool. */
static char *host_part(struct pool *pool, const char *text, size_t n)
{
        char *host;

        if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
                text++;
                n -= 2;
        } else if (memchr(text, ':', n) || memchr(text, '[', n)) {
                n = 0; /* IPv6 without brackets: where does the port begin? */
        }
        host = pool_alloc(pool, n + 1, 1);
        if (host)
                memcpy(host, text, n);
        return host;
}

static int listen_host(const char *host, struct address_text *ret, struct error *err)
{
        if (network_read(host, &ret->network, err) < 0 || strchr(host, '/'))
                return bad(err, "expected ADDRESS:PORT with the address a number, IPv6 in brackets, or /path");
        ret->host = host;
        return 0;
}

static int connect_host(const char *host, struct address_text *ret, struct error *err)
{
        if (strcmp(host, "*") == 0)
                return 0;
        ret->has_network = network_read(host, &ret->network, NULL) == 0;
        if (ret->has_network)
                return 0;
        if (strchr(host, '/'))
                return network_read(host, &ret->network, err);
        if (!is_host_name(host))
                return bad(err, "expected HOST:PORT, NETWORK:PORT or *:PORT, IPv6 in brackets");
        ret->host = host;
        return 0;
}

int address_read(struct pool *pool, const char *text, bool connect, struct address_text *ret,
                 struct error *err)
{
        struct address_text a = { .given = true };
        const char *colon = strrchr(text, ':');
        char *host;
        int r;

        if (*text == '/' && !connect) {
                if (strlen(text) >= 108)
                        return bad(err, "a path that is too long for a socket");
                a.path = text;
                *ret = a;
                return 0;
        }
        if (!colon)
                return bad(err, "a port is missing");
        if (read_ports(colon + 1, connect, &a) < 0)
                return bad(err, connect ? "expected a port from 1 to 65535, or FIRST-LAST"
                                        : "expected a port from 1 to 65535");
        host = host_part(pool, text, (size_t)(colon - text));
        if (!host)
                return error_set(err, STAGE_POLICY, -ENOMEM, ERROR_NOWHERE, "out of memory");
        r = connect ? connect_host(host, &a, err) : listen_host(host, &a, err);
        if (r < 0)
                return r;
        *ret = a;
        return 0;
}
