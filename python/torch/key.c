#include "key.h"

#include "stack.h"

AtenTensorHandle draw_key_tensor(StableIValue generator) {
  const int64_t size = 2;
  StableIValue stack[2] = {from_tensor(empty_contiguous(1, &size, torch.aoti_torch_dtype_int64())), generator};
  check_torch(call("aten::random_", "", stack));
  return to_tensor(stack[0]);
}

bool is_key(AtenTensorHandle key) {
  int32_t dtype = 0, device = 0;
  int64_t rank = 0, count = 0;
  check_torch(torch.aoti_torch_get_dtype(key, &dtype));
  check_torch(torch.aoti_torch_get_device_type(key, &device));
  check_torch(torch.aoti_torch_get_dim(key, &rank));
  check_torch(torch.aoti_torch_get_numel(key, &count));
  return dtype == torch.aoti_torch_dtype_int64() && device == torch.aoti_torch_device_type_cpu() && rank == 1 && count == 2;
}

void read_key(AtenTensorHandle key, simdrop_mask *mask) {
  int64_t *strides = NULL;
  void *data = NULL;
  if (!is_key(key)) raise_error(NO_KEY);
  check_torch(torch.aoti_torch_get_strides(key, &strides));
  check_torch(torch.aoti_torch_get_data_ptr(key, &data));
  const int64_t *words = data;
  mask->seed = (uint64_t)words[0];
  mask->stream = (uint64_t)words[strides[0]];
}

void draw_key(simdrop_mask *mask) {
  AtenTensorHandle key = draw_key_tensor(0);
  read_key(key, mask);
  delete_tensor(key);
}
