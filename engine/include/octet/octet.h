/* octet: int8 inference of convolutional networks on CPUs. The C API, stable across versions of one
 * major number.
 *
 * Functions that can fail return octet_failed (NULL, or a count of 0) and leave a message that
 * octet_last_error() returns. A pointer that is NULL is an error of that kind, too, with every
 * function and parameter, unless it is said to be allowed. Handles belong to the caller, who gives
 * them back by the matching _free function; NULL is allowed there. A model may be used from several
 * threads at once, a session from one at a time: to set an input or run while it runs is an error.
 */
#ifndef OCTET_OCTET_H_
#define OCTET_OCTET_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OCTET_API __attribute__((visibility("default")))
#else
#define OCTET_API
#endif

typedef enum octet_status { octet_ok = 0, octet_failed = 1 } octet_status;

typedef enum octet_type { octet_u8 = 0, octet_s8 = 1, octet_s32 = 2, octet_f32 = 3 } octet_type;

typedef struct octet_model octet_model;
typedef struct octet_session octet_session;

/* A tensor's description. Pointers live as long as the model. */
typedef struct octet_tensor_info {
  const char* name;
  octet_type type;
  const int32_t* shape; /* images are [N, H, W, C] */
  size_t rank;
} octet_tensor_info;

/* "0.1.0" */
OCTET_API const char* octet_version(void);

/* What went wrong in the calling thread's last failed call: names the file, the layer and the
 * remedy. Never NULL; valid until the thread's next call into octet. */
OCTET_API const char* octet_last_error(void);

/* Maps an .octet file. NULL: not found, not a model, damaged. */
OCTET_API octet_model* octet_model_load(const char* path);
/* The same, and reads all of the file to compare it with the checksum in it: what a copy that was
 * cut off or two writers at once leave is refused. A file of format version 1 or 2 that has none is loaded.
 */
OCTET_API octet_model* octet_model_load_verified(const char* path);
/* Copies the bytes of an .octet file. */
OCTET_API octet_model* octet_model_from_memory(const void* bytes, size_t size);
OCTET_API void octet_model_free(octet_model* model);

OCTET_API size_t octet_model_input_count(const octet_model* model);
OCTET_API size_t octet_model_output_count(const octet_model* model);
OCTET_API octet_status octet_model_input_info(const octet_model* model, size_t index,
                                              octet_tensor_info* info);
OCTET_API octet_status octet_model_output_info(const octet_model* model, size_t index,
                                               octet_tensor_info* info);
/* 0 where the model has no labels; a label from `count` on is an error. */
OCTET_API size_t octet_model_label_count(const octet_model* model);
OCTET_API const char* octet_model_label(const octet_model* model, size_t index);

/* `threads`: 0 for one a big core. The session keeps what it needs of the model, which may be freed
 * before it. Float nodes that have one defined result give it, as with SessionOptions::exact. */
OCTET_API octet_session* octet_session_create(const octet_model* model, int threads);
OCTET_API void octet_session_free(octet_session* session);

/* float32 values in the order of the input's shape; `count` must be the product of its extents. */
OCTET_API octet_status octet_session_set_input(octet_session* session, size_t index,
                                               const float* values, size_t count);
/* u8 pixels [H, W, C] in the size and channel order of the model's preprocessing; `count` = H * W *
 * C. */
OCTET_API octet_status octet_session_set_pixels(octet_session* session, size_t index,
                                                const uint8_t* pixels, size_t count);
/* Runs the model on what the inputs were last set to. Allocates nothing. Fails, too, where the
 * model computes an index outside of what it indexes, or divides a whole number by 0. */
OCTET_API octet_status octet_session_run(octet_session* session);
/* The values of an output, `*size` bytes of them; valid until the session runs again or is freed.
 * NULL: no such output. `size` may be NULL. */
OCTET_API const void* octet_session_output(const octet_session* session, size_t index,
                                           size_t* size);
/* The instruction set in use: "avx512vnni", ... */
OCTET_API const char* octet_session_isa(const octet_session* session);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_OCTET_H_ */
