/*
 * Every way that Linux offers to move bytes through a socket of TCP or UDP. `ways` lists their names; `ways NAME` goes
 * that way on loopback and prints what the calls on sockets returned, {"sent": N, "received": N}, or what this kernel
 * lacks for it, {"lacks": "CALL", "errno": "TEXT"}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "ring.h"

enum {
  CHUNK = 3000, ROUNDS = 20, PAGES = 16, PAGE = 4096,
  ZEROCOPY = 60, UDP_SEGMENT = 103, UDP_GRO = 104, ZEROCOPY_RECEIVE = 35, FASTOPEN = 23, NO_COOKIE = 34, ULP = 31,
};

/* struct tcp_zerocopy_receive of <linux/tcp.h>, which cannot be had together with <netinet/tcp.h>. */
struct zerocopy_receive {
  uint64_t address;
  uint32_t length, recv_skip_hint, inq;
  int32_t err;
  uint64_t copybuf_address;
  int32_t copybuf_len;
  uint32_t flags;
};

static long sent, received;
static char out[PAGES * PAGE] __attribute__((aligned(PAGE)));
static char in[PAGES * PAGE];
static int one = 1;

_Noreturn static void lack(const char *call) {
  printf("{\"lacks\": \"%s\", \"errno\": \"%s\"}\n", call, strerror(errno));
  exit(0);
}
static long must(const char *call, long result) {
  if (result < 0) lack(call);
  return result;
}
#define MUST(call) must(#call, call)
static void put(const char *call, long result) { sent += must(call, result); }
#define PUT(call) put(#call, call)
/* The end of a stream would make a loop that waits for bytes endless. */
static long got(const char *call, long result) {
  if (must(call, result) == 0) { fprintf(stderr, "%s: the end\n", call); exit(1); }
  received += result;
  return result;
}
#define GET(call) got(#call, call)

static struct sockaddr_storage loopback(int family) {
  struct sockaddr_storage at = {.ss_family = family};
  if (family == AF_INET) ((struct sockaddr_in *)&at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else ((struct sockaddr_in6 *)&at)->sin6_addr = in6addr_loopback;
  return at;
}
static struct sockaddr_storage bound(int fd, int family) {
  struct sockaddr_storage at = loopback(family);
  socklen_t length = sizeof at;
  MUST(bind(fd, (struct sockaddr *)&at, length));
  getsockname(fd, (struct sockaddr *)&at, &length);
  return at;
}

struct pair { int a, b; };

static struct pair stream(int family, int protocol) {
  int listener = MUST(socket(family, SOCK_STREAM, protocol));
  struct sockaddr_storage at = bound(listener, family);
  MUST(listen(listener, 1));
  struct pair pair = {.a = MUST(socket(family, SOCK_STREAM, protocol))};
  MUST(connect(pair.a, (struct sockaddr *)&at, sizeof at));
  pair.b = MUST(accept(listener, NULL, NULL));
  close(listener);
  return pair;
}
static struct pair tcp(void) { return stream(AF_INET, IPPROTO_TCP); }
static struct pair datagrams(void) {
  struct pair pair = {MUST(socket(AF_INET, SOCK_DGRAM, 0)), MUST(socket(AF_INET, SOCK_DGRAM, 0))};
  struct sockaddr_storage a = bound(pair.a, AF_INET), b = bound(pair.b, AF_INET);
  MUST(connect(pair.a, (struct sockaddr *)&b, sizeof b));
  MUST(connect(pair.b, (struct sockaddr *)&a, sizeof a));
  return pair;
}
static struct pair pipes(void) {
  int ends[2];
  MUST(pipe(ends));
  return (struct pair){.a = ends[1], .b = ends[0]};
}

/* Take everything that was sent so far with plain receives. */
static void drain(int fd) {
  while (received < sent) GET(recv(fd, in, sizeof in, 0));
}
/* The pipe's content is no traffic. */
static void empty(int fd, long size) {
  while (size > 0) size -= MUST(read(fd, in, size));
}
static void fill(int fd, long size) {
  if (MUST(write(fd, out, size)) != size) exit(1);
}

static void send_recv(void) {
  struct pair p = tcp();
  for (int i = 0; i < ROUNDS; i++) PUT(send(p.a, out, CHUNK, 0)), drain(p.b);
}
static void udp_sendto_recvfrom(void) {
  struct pair p = {MUST(socket(AF_INET, SOCK_DGRAM, 0)), MUST(socket(AF_INET, SOCK_DGRAM, 0))};
  struct sockaddr_storage to = bound(p.b, AF_INET), from;
  socklen_t length = sizeof from;
  for (int i = 0; i < ROUNDS; i++) {
    PUT(sendto(p.a, out, CHUNK, 0, (struct sockaddr *)&to, sizeof to));
    GET(recvfrom(p.b, in, sizeof in, 0, (struct sockaddr *)&from, &length));
  }
}
static void sendmsg_recvmsg(void) {
  struct pair p = tcp();
  struct iovec parts[2] = {{out, CHUNK / 2}, {out, CHUNK / 2}}, room = {in, sizeof in};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2}, answer = {.msg_iov = &room, .msg_iovlen = 1};
  for (int i = 0; i < ROUNDS; i++) {
    PUT(sendmsg(p.a, &message, 0));
    while (received < sent) GET(recvmsg(p.b, &answer, 0));
  }
}
static void udp_sendmmsg_recvmmsg(void) {
  struct pair p = datagrams();
  struct iovec parts[4], rooms[4];
  struct mmsghdr messages[4] = {0}, answers[4] = {0};
  for (int i = 0; i < 4; i++) {
    parts[i] = (struct iovec){out, 100 * (i + 1)};
    rooms[i] = (struct iovec){in + i * PAGE, PAGE};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    answers[i].msg_hdr = (struct msghdr){.msg_iov = &rooms[i], .msg_iovlen = 1};
  }
  for (int i = MUST(sendmmsg(p.a, messages, 4, 0)); i-- > 0;) sent += messages[i].msg_len;
  for (int i = MUST(recvmmsg(p.b, answers, 4, 0, NULL)); i-- > 0;) received += answers[i].msg_len;
}
static void write_read(void) {
  struct pair p = tcp();
  for (int i = 0; i < ROUNDS; i++) {
    PUT(write(p.a, out, CHUNK));
    while (received < sent) GET(read(p.b, in, sizeof in));
  }
}
static void writev_readv(void) {
  struct pair p = tcp();
  struct iovec parts[2] = {{out, 1000}, {out, 500}}, rooms[2] = {{in, 100}, {in, PAGE}};
  for (int i = 0; i < ROUNDS; i++) {
    PUT(writev(p.a, parts, 2));
    while (received < sent) GET(readv(p.b, rooms, 2));
  }
}
static int file(void) {
  int fd = MUST(memfd_create("ways", 0));
  fill(fd, sizeof out);
  return fd;
}
static void sendfile_in(void) {
  struct pair p = tcp();
  int fd = file();
  for (off_t at = 0; at < (off_t)sizeof out;) PUT(sendfile(p.a, fd, &at, 10000)), drain(p.b);
}
static void udp_sendfile_in(void) {
  struct pair p = datagrams();
  int fd = file();
  for (off_t at = 0; at < 5 * CHUNK;) PUT(sendfile(p.a, fd, &at, CHUNK)), drain(p.b);
}
static void splice_in(void) {
  struct pair p = tcp(), pipe = pipes();
  for (int i = 0; i < ROUNDS; i++) fill(pipe.a, CHUNK), PUT(splice(pipe.b, NULL, p.a, NULL, CHUNK, 0)), drain(p.b);
}
static void vmsplice_in(void) {
  struct pair p = tcp(), pipe = pipes();
  struct iovec part = {out, 4 * PAGE};
  for (int i = 0; i < ROUNDS; i++) {
    long size = MUST(vmsplice(pipe.a, &part, 1, 0));
    while (size > 0) { long before = sent; PUT(splice(pipe.b, NULL, p.a, NULL, size, SPLICE_F_MORE)); size -= sent - before; }
    drain(p.b);
  }
}
static void splice_from(struct pair p) {
  struct pair pipe = pipes();
  for (int i = 0; i < ROUNDS; i++) {
    PUT(send(p.a, out, CHUNK, 0));
    while (received < sent) empty(pipe.b, GET(splice(p.b, NULL, pipe.a, NULL, CHUNK, SPLICE_F_MOVE)));
  }
}
static void splice_out(void) { splice_from(tcp()); }
static void splice_out_ipv6(void) { splice_from(stream(AF_INET6, IPPROTO_TCP)); }
static void udp_splice_out(void) { splice_from(datagrams()); }
static void mptcp_splice_out(void) { splice_from(stream(AF_INET, IPPROTO_MPTCP)); }
static void splice_proxy(void) {
  struct pair left = tcp(), right = tcp(), pipe = pipes();
  for (int i = 0; i < ROUNDS; i++) {
    PUT(send(left.a, out, CHUNK, 0));
    for (long left_over = CHUNK; left_over > 0;) {
      long size = GET(splice(left.b, NULL, pipe.a, NULL, left_over, SPLICE_F_MOVE));
      for (long rest = size; rest > 0;) { long before = sent; PUT(splice(pipe.b, NULL, right.a, NULL, rest, SPLICE_F_MOVE)); rest -= sent - before; }
      left_over -= size;
    }
    drain(right.b);
  }
}
static void sendfile_out(void) {
  struct pair p = tcp(), pipe = pipes();
  for (int i = 0; i < ROUNDS; i++) {
    PUT(send(p.a, out, CHUNK, 0));
    while (received < sent) empty(pipe.b, GET(sendfile(pipe.a, p.b, NULL, CHUNK)));
  }
}
/* What could not be spliced must not count: nothing there, no descriptor, no socket. */
static void splice_failing(void) {
  struct pair p = tcp(), pipe = pipes(), unix_pair;
  int ends[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  unix_pair = (struct pair){ends[0], ends[1]};
  MUST(fcntl(p.b, F_SETFL, O_NONBLOCK));
  for (int i = 0; i < ROUNDS; i++) {
    if (splice(p.b, NULL, pipe.a, NULL, CHUNK, 0) >= 0) exit(1);
    if (splice(999, NULL, pipe.a, NULL, CHUNK, 0) >= 0 || splice(-1, NULL, pipe.a, NULL, CHUNK, 0) >= 0) exit(1);
    if (splice(p.b, NULL, p.a, NULL, CHUNK, 0) >= 0 || sendfile(p.a, p.b, NULL, CHUNK) >= 0) exit(1);
    fill(unix_pair.a, 100);
    empty(pipe.b, MUST(splice(unix_pair.b, NULL, pipe.a, NULL, 100, 0)));
  }
  close(p.a);
  if (splice(p.b, NULL, pipe.a, NULL, CHUNK, 0) != 0) exit(1);
}

/* Send without a copy; its end stands in the error queue. */
static void put_zerocopy(int fd, long size) {
  PUT(send(fd, out, size, MSG_ZEROCOPY));
  struct pollfd ready = {.fd = fd};
  char control[128];
  struct msghdr done = {.msg_control = control, .msg_controllen = sizeof control};
  while (recvmsg(fd, &done, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) MUST(poll(&ready, 1, 5000));
}
static void zerocopy_send(void) {
  struct pair p = tcp();
  MUST(setsockopt(p.a, SOL_SOCKET, ZEROCOPY, &one, sizeof one));
  for (int i = 0; i < ROUNDS; i++) {
    PUT(send(p.a, out, 4 * PAGE, MSG_ZEROCOPY));
    drain(p.b);
  }
}
static void udp_zerocopy_send(void) {
  struct pair p = datagrams();
  MUST(setsockopt(p.a, SOL_SOCKET, ZEROCOPY, &one, sizeof one));
  for (int i = 0; i < ROUNDS; i++) put_zerocopy(p.a, CHUNK), drain(p.b);
}
/* Pages that lie well are mapped, the rest is received as usual, or copied into `room` bytes by the same call. */
static void receive_zerocopy(long size, int room, int until) {
  struct pair p = tcp();
  MUST(setsockopt(p.a, SOL_SOCKET, ZEROCOPY, &one, sizeof one));
  char *at = mmap(NULL, sizeof in, PROT_READ, MAP_SHARED, p.b, 0);
  if (at == MAP_FAILED) lack("mmap");
  long mapped = 0, copied = 0;
  for (int i = 0; i < ROUNDS; i++) {
    put_zerocopy(p.a, size);
    while (received < sent) {
      struct zerocopy_receive zc = {.address = (uint64_t)at, .length = sizeof in, .copybuf_address = (uint64_t)in, .copybuf_len = room};
      socklen_t length = until;
      MUST(getsockopt(p.b, IPPROTO_TCP, ZEROCOPY_RECEIVE, &zc, &length));
      mapped += zc.length;
      if (room > 0) copied += zc.copybuf_len;
      received += zc.length + (room > 0 ? zc.copybuf_len : 0);
      if (zc.recv_skip_hint > 0 && received < sent) GET(recv(p.b, in, zc.recv_skip_hint, 0));
    }
  }
  fprintf(stderr, "%ld B mapped, %ld B copied\n", mapped, copied);
}
static void zerocopy_receive(void) { receive_zerocopy(sizeof out, 0, offsetof(struct zerocopy_receive, inq)); }
static void zerocopy_receive_copied(void) { receive_zerocopy(2 * PAGE + 100, PAGE, sizeof(struct zerocopy_receive)); }

static void udp_gso_gro(void) {
  struct pair p = datagrams();
  int segment = 1000;
  MUST(setsockopt(p.a, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment));
  MUST(setsockopt(p.b, IPPROTO_UDP, UDP_GRO, &one, sizeof one));
  for (int i = 0; i < ROUNDS; i++) PUT(send(p.a, out, 5500, 0)), drain(p.b);
}
static void more(void) {
  struct pair p = tcp();
  for (int i = 0; i < ROUNDS; i++) {
    for (int part = 0; part < 5; part++) PUT(send(p.a, out, 333, part < 4 ? MSG_MORE : 0));
    drain(p.b);
  }
}
static void udp_more(void) {
  struct pair p = datagrams();
  for (int i = 0; i < ROUNDS; i++) {
    for (int part = 0; part < 5; part++) PUT(send(p.a, out, 333, part < 4 ? MSG_MORE : 0));
    drain(p.b);
  }
}
static void peek_and_discard(void) {
  struct pair p = tcp();
  for (int i = 0; i < ROUNDS; i++) {
    PUT(send(p.a, out, CHUNK, 0));
    MUST(recv(p.b, in, CHUNK, MSG_PEEK));
    while (received < sent) GET(recv(p.b, NULL, CHUNK, MSG_TRUNC));
  }
}
/* In a network of its own: whether servers take data with the first packet is a setting of the network. */
static void fast_open(void) {
  MUST(unshare(CLONE_NEWNET));
  int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), length = 5;
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  MUST(ioctl(listener, SIOCSIFFLAGS, &lo));
  int setting = MUST(open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY));
  MUST(write(setting, "3", 1));
  struct sockaddr_storage at = bound(listener, AF_INET);
  MUST(setsockopt(listener, IPPROTO_TCP, FASTOPEN, &length, sizeof length));
  MUST(setsockopt(listener, IPPROTO_TCP, NO_COOKIE, &one, sizeof one));
  MUST(listen(listener, 5));
  for (int i = 0; i < ROUNDS; i++) {
    int a = MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(setsockopt(a, IPPROTO_TCP, NO_COOKIE, &one, sizeof one));
    PUT(sendto(a, out, 1000, MSG_FASTOPEN, (struct sockaddr *)&at, sizeof at));
    int b = MUST(accept(listener, NULL, NULL));
    drain(b), close(a), close(b);
  }
}
static void mptcp(void) {
  struct pair p = stream(AF_INET, IPPROTO_MPTCP);
  for (int i = 0; i < ROUNDS; i++) PUT(send(p.a, out, CHUNK, 0)), drain(p.b);
}
static struct pair tls(void) {
  struct pair p = tcp();
  struct tls12_crypto_info_aes_gcm_128 key = {.info = {TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128}};
  char name[] = "tls";
  MUST(setsockopt(p.a, IPPROTO_TCP, ULP, name, sizeof name));
  MUST(setsockopt(p.b, IPPROTO_TCP, ULP, name, sizeof name));
  MUST(setsockopt(p.a, SOL_TLS, TLS_TX, &key, sizeof key));
  MUST(setsockopt(p.b, SOL_TLS, TLS_RX, &key, sizeof key));
  return p;
}
static void tls_send_recv(void) {
  struct pair p = tls();
  for (int i = 0; i < ROUNDS; i++) PUT(send(p.a, out, CHUNK, 0)), drain(p.b);
}
static void tls_splice_out(void) { splice_from(tls()); }

static struct io_uring_sqe request(int opcode, int fd, void *at, unsigned size) {
  return (struct io_uring_sqe){.opcode = opcode, .fd = fd, .addr = (uint64_t)at, .len = size};
}
static void ring_moves(int opcode_out, int opcode_in, void *from, unsigned size, void *into, unsigned room) {
  struct pair p = tcp();
  struct ring ring;
  MUST(ring_open(&ring));
  struct io_uring_sqe put_it = request(opcode_out, p.a, from, size), get_it = request(opcode_in, p.b, into, room);
  for (int i = 0; i < ROUNDS; i++) {
    PUT(ring_do(&ring, &put_it));
    while (received < sent) GET(ring_do(&ring, &get_it));
  }
}
static void ring_send_recv(void) { ring_moves(IORING_OP_SEND, IORING_OP_RECV, out, CHUNK, in, sizeof in); }
static void ring_write_read(void) { ring_moves(IORING_OP_WRITE, IORING_OP_READ, out, CHUNK, in, sizeof in); }
static void ring_zerocopy_send(void) { ring_moves(IORING_OP_SEND_ZC, IORING_OP_RECV, out, 2 * PAGE, in, sizeof in); }
static void ring_writev_readv(void) {
  struct iovec part = {out, CHUNK}, room = {in, sizeof in};
  ring_moves(IORING_OP_WRITEV, IORING_OP_READV, &part, 1, &room, 1);
}
static void ring_sendmsg_recvmsg(void) {
  struct iovec part = {out, CHUNK}, room = {in, sizeof in};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1}, answer = {.msg_iov = &room, .msg_iovlen = 1};
  ring_moves(IORING_OP_SENDMSG, IORING_OP_RECVMSG, &message, 1, &answer, 1);
}
static long ring_splice(struct ring *ring, int from, int to, unsigned size) {
  struct io_uring_sqe sqe = {.opcode = IORING_OP_SPLICE, .fd = to, .off = -1, .len = size, .splice_fd_in = from, .splice_off_in = -1};
  return ring_do(ring, &sqe);
}
static void ring_splice_in(void) {
  struct pair p = tcp(), pipe = pipes();
  struct ring ring;
  MUST(ring_open(&ring));
  for (int i = 0; i < ROUNDS; i++) fill(pipe.a, CHUNK), PUT(ring_splice(&ring, pipe.b, p.a, CHUNK)), drain(p.b);
}
static void ring_splice_out(void) {
  struct pair p = tcp(), pipe = pipes();
  struct ring ring;
  MUST(ring_open(&ring));
  for (int i = 0; i < ROUNDS; i++) {
    PUT(send(p.a, out, CHUNK, 0));
    while (received < sent) empty(pipe.b, GET(ring_splice(&ring, p.b, pipe.a, CHUNK)));
  }
}

#define WAY(name) {#name, name}
static const struct { const char *name; void (*go)(void); } WAYS[] = {
  WAY(send_recv), WAY(udp_sendto_recvfrom), WAY(sendmsg_recvmsg), WAY(udp_sendmmsg_recvmmsg), WAY(write_read),
  WAY(writev_readv), WAY(sendfile_in), WAY(udp_sendfile_in), WAY(sendfile_out), WAY(splice_in), WAY(vmsplice_in),
  WAY(splice_out), WAY(splice_out_ipv6), WAY(udp_splice_out), WAY(mptcp_splice_out), WAY(splice_proxy),
  WAY(splice_failing), WAY(zerocopy_send), WAY(udp_zerocopy_send), WAY(zerocopy_receive), WAY(zerocopy_receive_copied),
  WAY(udp_gso_gro), WAY(more), WAY(udp_more), WAY(peek_and_discard), WAY(fast_open), WAY(mptcp), WAY(tls_send_recv),
  WAY(tls_splice_out), WAY(ring_send_recv), WAY(ring_sendmsg_recvmsg), WAY(ring_write_read), WAY(ring_writev_readv),
  WAY(ring_zerocopy_send), WAY(ring_splice_in), WAY(ring_splice_out),
};

int main(int count, char **words) {
  for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
    if (count < 2) puts(WAYS[i].name);
    else if (strcmp(words[1], WAYS[i].name) == 0) {
      alarm(20);
      WAYS[i].go();
      printf("{\"sent\": %ld, \"received\": %ld}\n", sent, received);
    }
  }
}
