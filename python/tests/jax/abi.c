// Compares python/jax/xla_ffi.h with the header of XLA's that jaxlib ships: sizes, places of fields, and values. It only
// compiles.
#include "xla/ffi/api/c_api.h"

#include "xla_ffi.h"

#include <stddef.h>

#define SAME(name, a, b) _Static_assert((a) == (b), name)
#define FIELD(ours, our_field, theirs, their_field)                                     \
  SAME(#ours "." #our_field, offsetof(ours, our_field), offsetof(theirs, their_field)); \
  SAME("size of " #ours "." #our_field, sizeof(((ours *)0)->our_field), sizeof(((theirs *)0)->their_field))
#define HEAD(ours, theirs)                       \
  FIELD(ours, struct_size, theirs, struct_size); \
  FIELD(ours, extension_start, theirs, extension_start)
#define WHOLE(ours, theirs) SAME("size of " #ours, sizeof(ours), sizeof(theirs))

SAME("major version", XLA_VERSION_MAJOR, XLA_FFI_API_MAJOR);
_Static_assert(XLA_VERSION_MINOR <= XLA_FFI_API_MINOR, "minor version");

SAME("metadata", XLA_EXTENSION_METADATA, XLA_FFI_Extension_Metadata);
SAME("invalid argument", XLA_ERROR_INVALID_ARGUMENT, XLA_FFI_Error_Code_INVALID_ARGUMENT);
SAME("unimplemented", XLA_ERROR_UNIMPLEMENTED, XLA_FFI_Error_Code_UNIMPLEMENTED);
SAME("argument", XLA_ARGUMENT_BUFFER, XLA_FFI_ArgType_BUFFER);
SAME("result", XLA_RESULT_BUFFER, XLA_FFI_RetType_BUFFER);
SAME("array", XLA_ATTRIBUTE_ARRAY, XLA_FFI_AttrType_ARRAY);
SAME("scalar", XLA_ATTRIBUTE_SCALAR, XLA_FFI_AttrType_SCALAR);
SAME("execute", XLA_STAGE_EXECUTE, XLA_FFI_ExecutionStage_EXECUTE);
SAME("s64", XLA_TYPE_S64, XLA_FFI_DataType_S64);
SAME("u32", XLA_TYPE_U32, XLA_FFI_DataType_U32);
SAME("u64", XLA_TYPE_U64, XLA_FFI_DataType_U64);
SAME("f16", XLA_TYPE_F16, XLA_FFI_DataType_F16);
SAME("f32", XLA_TYPE_F32, XLA_FFI_DataType_F32);
SAME("f64", XLA_TYPE_F64, XLA_FFI_DataType_F64);
SAME("bf16", XLA_TYPE_BF16, XLA_FFI_DataType_BF16);
SAME("f8e5m2", XLA_TYPE_F8E5M2, XLA_FFI_DataType_F8E5M2);
SAME("f8e4m3fn", XLA_TYPE_F8E4M3FN, XLA_FFI_DataType_F8E4M3FN);

// Enumerations are ints here: of the same size and, as no value is negative, the same bits.
SAME("enumerations", sizeof(int), sizeof(XLA_FFI_DataType));

WHOLE(xla_extension, XLA_FFI_Extension_Base);
FIELD(xla_extension, struct_size, XLA_FFI_Extension_Base, struct_size);
FIELD(xla_extension, type, XLA_FFI_Extension_Base, type);
FIELD(xla_extension, next, XLA_FFI_Extension_Base, next);
SAME("stated size", XLA_SIZE(xla_extension, next), XLA_FFI_Extension_Base_STRUCT_SIZE);

WHOLE(xla_version, XLA_FFI_Api_Version);
HEAD(xla_version, XLA_FFI_Api_Version);
FIELD(xla_version, major, XLA_FFI_Api_Version, major_version);
FIELD(xla_version, minor, XLA_FFI_Api_Version, minor_version);
SAME("stated size", XLA_SIZE(xla_version, minor), XLA_FFI_Api_Version_STRUCT_SIZE);

FIELD(xla_metadata, struct_size, XLA_FFI_Metadata, struct_size);
FIELD(xla_metadata, version, XLA_FFI_Metadata, api_version);
FIELD(xla_metadata, traits, XLA_FFI_Metadata, traits);
SAME("stated size", XLA_SIZE(xla_metadata, traits), XLA_FFI_Metadata_STRUCT_SIZE);

FIELD(xla_metadata_extension, base, XLA_FFI_Metadata_Extension, extension_base);
FIELD(xla_metadata_extension, metadata, XLA_FFI_Metadata_Extension, metadata);

WHOLE(xla_buffer, XLA_FFI_Buffer);
HEAD(xla_buffer, XLA_FFI_Buffer);
FIELD(xla_buffer, type, XLA_FFI_Buffer, dtype);
FIELD(xla_buffer, data, XLA_FFI_Buffer, data);
FIELD(xla_buffer, rank, XLA_FFI_Buffer, rank);
FIELD(xla_buffer, dims, XLA_FFI_Buffer, dims);
SAME("stated size", XLA_SIZE(xla_buffer, dims), XLA_FFI_Buffer_STRUCT_SIZE);

WHOLE(xla_text, XLA_FFI_ByteSpan);
FIELD(xla_text, start, XLA_FFI_ByteSpan, ptr);
FIELD(xla_text, length, XLA_FFI_ByteSpan, len);

WHOLE(xla_scalar, XLA_FFI_Scalar);
FIELD(xla_scalar, type, XLA_FFI_Scalar, dtype);
FIELD(xla_scalar, value, XLA_FFI_Scalar, value);

WHOLE(xla_array, XLA_FFI_Array);
FIELD(xla_array, type, XLA_FFI_Array, dtype);
FIELD(xla_array, size, XLA_FFI_Array, size);
FIELD(xla_array, data, XLA_FFI_Array, data);

WHOLE(xla_buffers, XLA_FFI_Args);
HEAD(xla_buffers, XLA_FFI_Args);
FIELD(xla_buffers, size, XLA_FFI_Args, size);
FIELD(xla_buffers, kinds, XLA_FFI_Args, types);
FIELD(xla_buffers, buffers, XLA_FFI_Args, args);
WHOLE(xla_buffers, XLA_FFI_Rets);
HEAD(xla_buffers, XLA_FFI_Rets);
FIELD(xla_buffers, size, XLA_FFI_Rets, size);
FIELD(xla_buffers, kinds, XLA_FFI_Rets, types);
FIELD(xla_buffers, buffers, XLA_FFI_Rets, rets);

WHOLE(xla_attributes, XLA_FFI_Attrs);
HEAD(xla_attributes, XLA_FFI_Attrs);
FIELD(xla_attributes, size, XLA_FFI_Attrs, size);
FIELD(xla_attributes, kinds, XLA_FFI_Attrs, types);
FIELD(xla_attributes, names, XLA_FFI_Attrs, names);
FIELD(xla_attributes, values, XLA_FFI_Attrs, attrs);

HEAD(xla_error_arguments, XLA_FFI_Error_Create_Args);
FIELD(xla_error_arguments, message, XLA_FFI_Error_Create_Args, message);
FIELD(xla_error_arguments, code, XLA_FFI_Error_Create_Args, errc);
SAME("stated size", XLA_SIZE(xla_error_arguments, code), XLA_FFI_Error_Create_Args_STRUCT_SIZE);

HEAD(xla_destroy_arguments, XLA_FFI_Error_Destroy_Args);
FIELD(xla_destroy_arguments, error, XLA_FFI_Error_Destroy_Args, error);
SAME("stated size", sizeof(xla_destroy_arguments), XLA_FFI_Error_Destroy_Args_STRUCT_SIZE);

HEAD(xla_schedule_arguments, XLA_FFI_ThreadPool_Schedule_Args);
FIELD(xla_schedule_arguments, context, XLA_FFI_ThreadPool_Schedule_Args, ctx);
FIELD(xla_schedule_arguments, task, XLA_FFI_ThreadPool_Schedule_Args, task);
FIELD(xla_schedule_arguments, data, XLA_FFI_ThreadPool_Schedule_Args, data);
SAME("stated size", XLA_SIZE(xla_schedule_arguments, data), XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE);

HEAD(xla_threads_arguments, XLA_FFI_ThreadPool_NumThreads_Args);
FIELD(xla_threads_arguments, context, XLA_FFI_ThreadPool_NumThreads_Args, ctx);
FIELD(xla_threads_arguments, threads, XLA_FFI_ThreadPool_NumThreads_Args, num_threads);
SAME("stated size", XLA_SIZE(xla_threads_arguments, threads), XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE);

HEAD(xla_api, XLA_FFI_Api);
FIELD(xla_api, version, XLA_FFI_Api, api_version);
FIELD(xla_api, internal, XLA_FFI_Api, internal_api);
FIELD(xla_api, create_error, XLA_FFI_Api, XLA_FFI_Error_Create);
FIELD(xla_api, get_message, XLA_FFI_Api, XLA_FFI_Error_GetMessage);
FIELD(xla_api, destroy_error, XLA_FFI_Api, XLA_FFI_Error_Destroy);
FIELD(xla_api, schedule, XLA_FFI_Api, XLA_FFI_ThreadPool_Schedule);
FIELD(xla_api, count_threads, XLA_FFI_Api, XLA_FFI_ThreadPool_NumThreads);

HEAD(xla_call, XLA_FFI_CallFrame);
FIELD(xla_call, api, XLA_FFI_CallFrame, api);
FIELD(xla_call, context, XLA_FFI_CallFrame, ctx);
FIELD(xla_call, stage, XLA_FFI_CallFrame, stage);
FIELD(xla_call, arguments, XLA_FFI_CallFrame, args);
FIELD(xla_call, results, XLA_FFI_CallFrame, rets);
FIELD(xla_call, attributes, XLA_FFI_CallFrame, attrs);
SAME("stated size", XLA_SIZE(xla_call, attributes), XLA_FFI_CallFrame_STRUCT_SIZE);
