/* An io_uring that takes one request at a time, by the system calls alone: no library is needed. */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
  int fd;
  unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_mask;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
};

/* Returns 0, or -1 with errno where the kernel has none. */
static int ring_open(struct ring *ring) {
  struct io_uring_params p = {0};
  ring->fd = syscall(SYS_io_uring_setup, 8, &p);
  if (ring->fd < 0) return -1;
  size_t size = p.sq_off.array + p.sq_entries * sizeof(unsigned);
  size_t cq_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  if (cq_size > size) size = cq_size;
  char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
  char *cq = p.features & IORING_FEAT_SINGLE_MMAP
    ? map : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
  ring->sqes = mmap(NULL, p.sq_entries * sizeof *ring->sqes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
  if (map == MAP_FAILED || cq == MAP_FAILED || (void *)ring->sqes == MAP_FAILED) return -1;
  ring->sq_tail = (unsigned *)(map + p.sq_off.tail);
  ring->sq_mask = (unsigned *)(map + p.sq_off.ring_mask);
  ring->sq_array = (unsigned *)(map + p.sq_off.array);
  ring->cq_head = (unsigned *)(cq + p.cq_off.head);
  ring->cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
  ring->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
  return 0;
}

/* What the next completion says, -errno included; `more` whether another one follows for the same request. */
static int ring_wait(struct ring *ring, unsigned submit, int *more) {
  if (syscall(SYS_io_uring_enter, ring->fd, submit, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) return *more = 0, -errno;
  unsigned head = *ring->cq_head;
  struct io_uring_cqe *cqe = &ring->cqes[head & *ring->cq_mask];
  int res = cqe->res;
  *more = (cqe->flags & IORING_CQE_F_MORE) != 0;
  __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
  return res;
}

/* Do one request to its end: what it returned, or -1 with errno. */
static long ring_do(struct ring *ring, const struct io_uring_sqe *sqe) {
  unsigned index = *ring->sq_tail & *ring->sq_mask;
  ring->sqes[index] = *sqe;
  ring->sq_array[index] = index;
  __atomic_store_n(ring->sq_tail, *ring->sq_tail + 1, __ATOMIC_RELEASE);
  int more, res = ring_wait(ring, 1, &more);
  /* A send without a copy is told of twice: what it sent, and that its memory is free again. */
  while (more) ring_wait(ring, 0, &more);
  if (res < 0) errno = -res;
  return res < 0 ? -1 : res;
}
