/* The little of the C++ runtime that CXXRTL needs: building all of libc++ would take most of a minute. */
#include <stdlib.h>

void *_Znwm(unsigned long size) { return malloc(size ? size : 1); }
void *_Znam(unsigned long size) { return malloc(size ? size : 1); }
void *_ZnwmSt11align_val_t(unsigned long size, unsigned long alignment) {
  return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void _ZdlPvmSt11align_val_t(void *memory, unsigned long size, unsigned long alignment) {
  (void)size, (void)alignment;
  free(memory);
}
void _ZdlPv(void *memory) { free(memory); }
void _ZdaPv(void *memory) { free(memory); }
void _ZdlPvm(void *memory, unsigned long size) {
  (void)size;
  free(memory);
}
void _ZNSt3__122__libcpp_verbose_abortEPKcz(const char *format, ...) {
  (void)format;
  abort();
}
