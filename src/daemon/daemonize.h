/* SPDX-License-Identifier: MIT */
#pragma once
/* The steps of daemon(7) for SysV daemons, and the first process's wait for what becomes of the last.
 *
 * Of the fifteen steps, 1 to 4 are daemonize_prepare() and env_forget_all(), 5 to 11, 14 and 15 are
 * daemonize() and daemonize_answer(); the pid file (12) and privileges (13) have modules of their own. One is
 * not as written there: the umask becomes 027 and not 0, so that nothing is made for everybody by accident.
 */

/* Steps 1 to 3: closes inherited descriptors from 3 on, resets all signals to their defaults and the mask to
 * empty. Returns 0 or -errno. */
int daemonize_prepare(void);

/* Forks, twice.
 *
 * In the daemon: returns 0; diagnostics go to *ret_answer_fd and from there to the first process's standard
 * error, until daemonize_answer(). In the first process: returns 1 when all is over, *ret_exit_code being
 * what to exit with: 0 only if the daemon answered so. One that answered with a failure, died without an
 * answer, gave none within 30 s, or was waited for when a signal came to end the first process, has ended by
 * then, and the reason is on standard error. Such a signal is held back: when the start failed, it takes its
 * effect at daemonize_release(). Returns -errno when it could not fork. */
int daemonize(int *ret_answer_fd, int *ret_exit_code);

/* In the daemon: tells the first process what to exit with, and closes the descriptor. Returns 0, or -errno
 * when there is nobody to be told any more (the start was given up): the daemon then must not go on. */
int daemonize_answer(int *answer_fd, int exit_code);

/* In the first process after a start that failed, when everything is cleaned up: ends it by the signal that
 * was held back, if there was one. */
void daemonize_release(void);
