package dev.hospital.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * The medications of patients.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class MedicationsGrpc {

  private MedicationsGrpc() {}

  public static final java.lang.String SERVICE_NAME = "hospital.v1.Medications";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.GetMedicationRequest,
      dev.hospital.v1.Medication> getGetMedicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetMedication",
      requestType = dev.hospital.v1.GetMedicationRequest.class,
      responseType = dev.hospital.v1.Medication.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.GetMedicationRequest,
      dev.hospital.v1.Medication> getGetMedicationMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.GetMedicationRequest, dev.hospital.v1.Medication> getGetMedicationMethod;
    if ((getGetMedicationMethod = MedicationsGrpc.getGetMedicationMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getGetMedicationMethod = MedicationsGrpc.getGetMedicationMethod) == null) {
          MedicationsGrpc.getGetMedicationMethod = getGetMedicationMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.GetMedicationRequest, dev.hospital.v1.Medication>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetMedication"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.GetMedicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.Medication.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("GetMedication"))
              .build();
        }
      }
    }
    return getGetMedicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.ListMedicationsRequest,
      dev.hospital.v1.ListMedicationsResponse> getListMedicationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListMedications",
      requestType = dev.hospital.v1.ListMedicationsRequest.class,
      responseType = dev.hospital.v1.ListMedicationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.ListMedicationsRequest,
      dev.hospital.v1.ListMedicationsResponse> getListMedicationsMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.ListMedicationsRequest, dev.hospital.v1.ListMedicationsResponse> getListMedicationsMethod;
    if ((getListMedicationsMethod = MedicationsGrpc.getListMedicationsMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getListMedicationsMethod = MedicationsGrpc.getListMedicationsMethod) == null) {
          MedicationsGrpc.getListMedicationsMethod = getListMedicationsMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.ListMedicationsRequest, dev.hospital.v1.ListMedicationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListMedications"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.ListMedicationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.ListMedicationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("ListMedications"))
              .build();
        }
      }
    }
    return getListMedicationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.CreateMedicationRequest,
      dev.hospital.v1.Medication> getCreateMedicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateMedication",
      requestType = dev.hospital.v1.CreateMedicationRequest.class,
      responseType = dev.hospital.v1.Medication.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.CreateMedicationRequest,
      dev.hospital.v1.Medication> getCreateMedicationMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.CreateMedicationRequest, dev.hospital.v1.Medication> getCreateMedicationMethod;
    if ((getCreateMedicationMethod = MedicationsGrpc.getCreateMedicationMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getCreateMedicationMethod = MedicationsGrpc.getCreateMedicationMethod) == null) {
          MedicationsGrpc.getCreateMedicationMethod = getCreateMedicationMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.CreateMedicationRequest, dev.hospital.v1.Medication>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateMedication"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.CreateMedicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.Medication.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("CreateMedication"))
              .build();
        }
      }
    }
    return getCreateMedicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.UpdateMedicationRequest,
      dev.hospital.v1.Medication> getUpdateMedicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateMedication",
      requestType = dev.hospital.v1.UpdateMedicationRequest.class,
      responseType = dev.hospital.v1.Medication.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.UpdateMedicationRequest,
      dev.hospital.v1.Medication> getUpdateMedicationMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.UpdateMedicationRequest, dev.hospital.v1.Medication> getUpdateMedicationMethod;
    if ((getUpdateMedicationMethod = MedicationsGrpc.getUpdateMedicationMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getUpdateMedicationMethod = MedicationsGrpc.getUpdateMedicationMethod) == null) {
          MedicationsGrpc.getUpdateMedicationMethod = getUpdateMedicationMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.UpdateMedicationRequest, dev.hospital.v1.Medication>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateMedication"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.UpdateMedicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.Medication.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("UpdateMedication"))
              .build();
        }
      }
    }
    return getUpdateMedicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.DeleteMedicationRequest,
      com.google.protobuf.Empty> getDeleteMedicationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteMedication",
      requestType = dev.hospital.v1.DeleteMedicationRequest.class,
      responseType = com.google.protobuf.Empty.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.DeleteMedicationRequest,
      com.google.protobuf.Empty> getDeleteMedicationMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.DeleteMedicationRequest, com.google.protobuf.Empty> getDeleteMedicationMethod;
    if ((getDeleteMedicationMethod = MedicationsGrpc.getDeleteMedicationMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getDeleteMedicationMethod = MedicationsGrpc.getDeleteMedicationMethod) == null) {
          MedicationsGrpc.getDeleteMedicationMethod = getDeleteMedicationMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.DeleteMedicationRequest, com.google.protobuf.Empty>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteMedication"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.DeleteMedicationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.protobuf.Empty.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("DeleteMedication"))
              .build();
        }
      }
    }
    return getDeleteMedicationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.BatchGetMedicationsRequest,
      dev.hospital.v1.BatchGetMedicationsResponse> getBatchGetMedicationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchGetMedications",
      requestType = dev.hospital.v1.BatchGetMedicationsRequest.class,
      responseType = dev.hospital.v1.BatchGetMedicationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.BatchGetMedicationsRequest,
      dev.hospital.v1.BatchGetMedicationsResponse> getBatchGetMedicationsMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.BatchGetMedicationsRequest, dev.hospital.v1.BatchGetMedicationsResponse> getBatchGetMedicationsMethod;
    if ((getBatchGetMedicationsMethod = MedicationsGrpc.getBatchGetMedicationsMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getBatchGetMedicationsMethod = MedicationsGrpc.getBatchGetMedicationsMethod) == null) {
          MedicationsGrpc.getBatchGetMedicationsMethod = getBatchGetMedicationsMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.BatchGetMedicationsRequest, dev.hospital.v1.BatchGetMedicationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchGetMedications"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.BatchGetMedicationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.BatchGetMedicationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("BatchGetMedications"))
              .build();
        }
      }
    }
    return getBatchGetMedicationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.BatchCreateMedicationsRequest,
      dev.hospital.v1.BatchCreateMedicationsResponse> getBatchCreateMedicationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchCreateMedications",
      requestType = dev.hospital.v1.BatchCreateMedicationsRequest.class,
      responseType = dev.hospital.v1.BatchCreateMedicationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.BatchCreateMedicationsRequest,
      dev.hospital.v1.BatchCreateMedicationsResponse> getBatchCreateMedicationsMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.BatchCreateMedicationsRequest, dev.hospital.v1.BatchCreateMedicationsResponse> getBatchCreateMedicationsMethod;
    if ((getBatchCreateMedicationsMethod = MedicationsGrpc.getBatchCreateMedicationsMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getBatchCreateMedicationsMethod = MedicationsGrpc.getBatchCreateMedicationsMethod) == null) {
          MedicationsGrpc.getBatchCreateMedicationsMethod = getBatchCreateMedicationsMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.BatchCreateMedicationsRequest, dev.hospital.v1.BatchCreateMedicationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchCreateMedications"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.BatchCreateMedicationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.BatchCreateMedicationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("BatchCreateMedications"))
              .build();
        }
      }
    }
    return getBatchCreateMedicationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.BatchUpdateMedicationsRequest,
      dev.hospital.v1.BatchUpdateMedicationsResponse> getBatchUpdateMedicationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchUpdateMedications",
      requestType = dev.hospital.v1.BatchUpdateMedicationsRequest.class,
      responseType = dev.hospital.v1.BatchUpdateMedicationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.BatchUpdateMedicationsRequest,
      dev.hospital.v1.BatchUpdateMedicationsResponse> getBatchUpdateMedicationsMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.BatchUpdateMedicationsRequest, dev.hospital.v1.BatchUpdateMedicationsResponse> getBatchUpdateMedicationsMethod;
    if ((getBatchUpdateMedicationsMethod = MedicationsGrpc.getBatchUpdateMedicationsMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getBatchUpdateMedicationsMethod = MedicationsGrpc.getBatchUpdateMedicationsMethod) == null) {
          MedicationsGrpc.getBatchUpdateMedicationsMethod = getBatchUpdateMedicationsMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.BatchUpdateMedicationsRequest, dev.hospital.v1.BatchUpdateMedicationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchUpdateMedications"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.BatchUpdateMedicationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.BatchUpdateMedicationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("BatchUpdateMedications"))
              .build();
        }
      }
    }
    return getBatchUpdateMedicationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.hospital.v1.BatchDeleteMedicationsRequest,
      com.google.protobuf.Empty> getBatchDeleteMedicationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchDeleteMedications",
      requestType = dev.hospital.v1.BatchDeleteMedicationsRequest.class,
      responseType = com.google.protobuf.Empty.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.hospital.v1.BatchDeleteMedicationsRequest,
      com.google.protobuf.Empty> getBatchDeleteMedicationsMethod() {
    io.grpc.MethodDescriptor<dev.hospital.v1.BatchDeleteMedicationsRequest, com.google.protobuf.Empty> getBatchDeleteMedicationsMethod;
    if ((getBatchDeleteMedicationsMethod = MedicationsGrpc.getBatchDeleteMedicationsMethod) == null) {
      synchronized (MedicationsGrpc.class) {
        if ((getBatchDeleteMedicationsMethod = MedicationsGrpc.getBatchDeleteMedicationsMethod) == null) {
          MedicationsGrpc.getBatchDeleteMedicationsMethod = getBatchDeleteMedicationsMethod =
              io.grpc.MethodDescriptor.<dev.hospital.v1.BatchDeleteMedicationsRequest, com.google.protobuf.Empty>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchDeleteMedications"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.hospital.v1.BatchDeleteMedicationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.protobuf.Empty.getDefaultInstance()))
              .setSchemaDescriptor(new MedicationsMethodDescriptorSupplier("BatchDeleteMedications"))
              .build();
        }
      }
    }
    return getBatchDeleteMedicationsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static MedicationsStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MedicationsStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MedicationsStub>() {
        @java.lang.Override
        public MedicationsStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MedicationsStub(channel, callOptions);
        }
      };
    return MedicationsStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static MedicationsBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MedicationsBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MedicationsBlockingV2Stub>() {
        @java.lang.Override
        public MedicationsBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MedicationsBlockingV2Stub(channel, callOptions);
        }
      };
    return MedicationsBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static MedicationsBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MedicationsBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MedicationsBlockingStub>() {
        @java.lang.Override
        public MedicationsBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MedicationsBlockingStub(channel, callOptions);
        }
      };
    return MedicationsBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static MedicationsFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MedicationsFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MedicationsFutureStub>() {
        @java.lang.Override
        public MedicationsFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MedicationsFutureStub(channel, callOptions);
        }
      };
    return MedicationsFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * The medications of patients.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Gets a medication.
     * </pre>
     */
    default void getMedication(dev.hospital.v1.GetMedicationRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Medication> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetMedicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the medications of a patient by ascending medication id.
     * </pre>
     */
    default void listMedications(dev.hospital.v1.ListMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.ListMedicationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListMedicationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a medication.
     * </pre>
     */
    default void createMedication(dev.hospital.v1.CreateMedicationRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Medication> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateMedicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Updates fields of a medication.
     * </pre>
     */
    default void updateMedication(dev.hospital.v1.UpdateMedicationRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Medication> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateMedicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a medication.
     * </pre>
     */
    default void deleteMedication(dev.hospital.v1.DeleteMedicationRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteMedicationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets several medications, all or none.
     * </pre>
     */
    default void batchGetMedications(dev.hospital.v1.BatchGetMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.BatchGetMedicationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchGetMedicationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates several medications of a patient, all or none.
     * </pre>
     */
    default void batchCreateMedications(dev.hospital.v1.BatchCreateMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.BatchCreateMedicationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchCreateMedicationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Updates several medications of a patient, all or none.
     * </pre>
     */
    default void batchUpdateMedications(dev.hospital.v1.BatchUpdateMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.BatchUpdateMedicationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchUpdateMedicationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes several medications of a patient, all or none.
     * </pre>
     */
    default void batchDeleteMedications(dev.hospital.v1.BatchDeleteMedicationsRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchDeleteMedicationsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Medications.
   * <pre>
   * The medications of patients.
   * </pre>
   */
  public static abstract class MedicationsImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return MedicationsGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Medications.
   * <pre>
   * The medications of patients.
   * </pre>
   */
  public static final class MedicationsStub
      extends io.grpc.stub.AbstractAsyncStub<MedicationsStub> {
    private MedicationsStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MedicationsStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MedicationsStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets a medication.
     * </pre>
     */
    public void getMedication(dev.hospital.v1.GetMedicationRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Medication> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetMedicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the medications of a patient by ascending medication id.
     * </pre>
     */
    public void listMedications(dev.hospital.v1.ListMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.ListMedicationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListMedicationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a medication.
     * </pre>
     */
    public void createMedication(dev.hospital.v1.CreateMedicationRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Medication> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateMedicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Updates fields of a medication.
     * </pre>
     */
    public void updateMedication(dev.hospital.v1.UpdateMedicationRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.Medication> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateMedicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a medication.
     * </pre>
     */
    public void deleteMedication(dev.hospital.v1.DeleteMedicationRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteMedicationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets several medications, all or none.
     * </pre>
     */
    public void batchGetMedications(dev.hospital.v1.BatchGetMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.BatchGetMedicationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchGetMedicationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates several medications of a patient, all or none.
     * </pre>
     */
    public void batchCreateMedications(dev.hospital.v1.BatchCreateMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.BatchCreateMedicationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchCreateMedicationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Updates several medications of a patient, all or none.
     * </pre>
     */
    public void batchUpdateMedications(dev.hospital.v1.BatchUpdateMedicationsRequest request,
        io.grpc.stub.StreamObserver<dev.hospital.v1.BatchUpdateMedicationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchUpdateMedicationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes several medications of a patient, all or none.
     * </pre>
     */
    public void batchDeleteMedications(dev.hospital.v1.BatchDeleteMedicationsRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchDeleteMedicationsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Medications.
   * <pre>
   * The medications of patients.
   * </pre>
   */
  public static final class MedicationsBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<MedicationsBlockingV2Stub> {
    private MedicationsBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MedicationsBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MedicationsBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets a medication.
     * </pre>
     */
    public dev.hospital.v1.Medication getMedication(dev.hospital.v1.GetMedicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the medications of a patient by ascending medication id.
     * </pre>
     */
    public dev.hospital.v1.ListMedicationsResponse listMedications(dev.hospital.v1.ListMedicationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a medication.
     * </pre>
     */
    public dev.hospital.v1.Medication createMedication(dev.hospital.v1.CreateMedicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates fields of a medication.
     * </pre>
     */
    public dev.hospital.v1.Medication updateMedication(dev.hospital.v1.UpdateMedicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a medication.
     * </pre>
     */
    public com.google.protobuf.Empty deleteMedication(dev.hospital.v1.DeleteMedicationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets several medications, all or none.
     * </pre>
     */
    public dev.hospital.v1.BatchGetMedicationsResponse batchGetMedications(dev.hospital.v1.BatchGetMedicationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchGetMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates several medications of a patient, all or none.
     * </pre>
     */
    public dev.hospital.v1.BatchCreateMedicationsResponse batchCreateMedications(dev.hospital.v1.BatchCreateMedicationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchCreateMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates several medications of a patient, all or none.
     * </pre>
     */
    public dev.hospital.v1.BatchUpdateMedicationsResponse batchUpdateMedications(dev.hospital.v1.BatchUpdateMedicationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchUpdateMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes several medications of a patient, all or none.
     * </pre>
     */
    public com.google.protobuf.Empty batchDeleteMedications(dev.hospital.v1.BatchDeleteMedicationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchDeleteMedicationsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Medications.
   * <pre>
   * The medications of patients.
   * </pre>
   */
  public static final class MedicationsBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<MedicationsBlockingStub> {
    private MedicationsBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MedicationsBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MedicationsBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets a medication.
     * </pre>
     */
    public dev.hospital.v1.Medication getMedication(dev.hospital.v1.GetMedicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the medications of a patient by ascending medication id.
     * </pre>
     */
    public dev.hospital.v1.ListMedicationsResponse listMedications(dev.hospital.v1.ListMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a medication.
     * </pre>
     */
    public dev.hospital.v1.Medication createMedication(dev.hospital.v1.CreateMedicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates fields of a medication.
     * </pre>
     */
    public dev.hospital.v1.Medication updateMedication(dev.hospital.v1.UpdateMedicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a medication.
     * </pre>
     */
    public com.google.protobuf.Empty deleteMedication(dev.hospital.v1.DeleteMedicationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteMedicationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets several medications, all or none.
     * </pre>
     */
    public dev.hospital.v1.BatchGetMedicationsResponse batchGetMedications(dev.hospital.v1.BatchGetMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchGetMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates several medications of a patient, all or none.
     * </pre>
     */
    public dev.hospital.v1.BatchCreateMedicationsResponse batchCreateMedications(dev.hospital.v1.BatchCreateMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchCreateMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates several medications of a patient, all or none.
     * </pre>
     */
    public dev.hospital.v1.BatchUpdateMedicationsResponse batchUpdateMedications(dev.hospital.v1.BatchUpdateMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchUpdateMedicationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes several medications of a patient, all or none.
     * </pre>
     */
    public com.google.protobuf.Empty batchDeleteMedications(dev.hospital.v1.BatchDeleteMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchDeleteMedicationsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Medications.
   * <pre>
   * The medications of patients.
   * </pre>
   */
  public static final class MedicationsFutureStub
      extends io.grpc.stub.AbstractFutureStub<MedicationsFutureStub> {
    private MedicationsFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MedicationsFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MedicationsFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets a medication.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.Medication> getMedication(
        dev.hospital.v1.GetMedicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetMedicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the medications of a patient by ascending medication id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.ListMedicationsResponse> listMedications(
        dev.hospital.v1.ListMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListMedicationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a medication.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.Medication> createMedication(
        dev.hospital.v1.CreateMedicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateMedicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Updates fields of a medication.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.Medication> updateMedication(
        dev.hospital.v1.UpdateMedicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateMedicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a medication.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.protobuf.Empty> deleteMedication(
        dev.hospital.v1.DeleteMedicationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteMedicationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets several medications, all or none.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.BatchGetMedicationsResponse> batchGetMedications(
        dev.hospital.v1.BatchGetMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchGetMedicationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates several medications of a patient, all or none.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.BatchCreateMedicationsResponse> batchCreateMedications(
        dev.hospital.v1.BatchCreateMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchCreateMedicationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Updates several medications of a patient, all or none.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.hospital.v1.BatchUpdateMedicationsResponse> batchUpdateMedications(
        dev.hospital.v1.BatchUpdateMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchUpdateMedicationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes several medications of a patient, all or none.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.protobuf.Empty> batchDeleteMedications(
        dev.hospital.v1.BatchDeleteMedicationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchDeleteMedicationsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_MEDICATION = 0;
  private static final int METHODID_LIST_MEDICATIONS = 1;
  private static final int METHODID_CREATE_MEDICATION = 2;
  private static final int METHODID_UPDATE_MEDICATION = 3;
  private static final int METHODID_DELETE_MEDICATION = 4;
  private static final int METHODID_BATCH_GET_MEDICATIONS = 5;
  private static final int METHODID_BATCH_CREATE_MEDICATIONS = 6;
  private static final int METHODID_BATCH_UPDATE_MEDICATIONS = 7;
  private static final int METHODID_BATCH_DELETE_MEDICATIONS = 8;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET_MEDICATION:
          serviceImpl.getMedication((dev.hospital.v1.GetMedicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.Medication>) responseObserver);
          break;
        case METHODID_LIST_MEDICATIONS:
          serviceImpl.listMedications((dev.hospital.v1.ListMedicationsRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.ListMedicationsResponse>) responseObserver);
          break;
        case METHODID_CREATE_MEDICATION:
          serviceImpl.createMedication((dev.hospital.v1.CreateMedicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.Medication>) responseObserver);
          break;
        case METHODID_UPDATE_MEDICATION:
          serviceImpl.updateMedication((dev.hospital.v1.UpdateMedicationRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.Medication>) responseObserver);
          break;
        case METHODID_DELETE_MEDICATION:
          serviceImpl.deleteMedication((dev.hospital.v1.DeleteMedicationRequest) request,
              (io.grpc.stub.StreamObserver<com.google.protobuf.Empty>) responseObserver);
          break;
        case METHODID_BATCH_GET_MEDICATIONS:
          serviceImpl.batchGetMedications((dev.hospital.v1.BatchGetMedicationsRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.BatchGetMedicationsResponse>) responseObserver);
          break;
        case METHODID_BATCH_CREATE_MEDICATIONS:
          serviceImpl.batchCreateMedications((dev.hospital.v1.BatchCreateMedicationsRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.BatchCreateMedicationsResponse>) responseObserver);
          break;
        case METHODID_BATCH_UPDATE_MEDICATIONS:
          serviceImpl.batchUpdateMedications((dev.hospital.v1.BatchUpdateMedicationsRequest) request,
              (io.grpc.stub.StreamObserver<dev.hospital.v1.BatchUpdateMedicationsResponse>) responseObserver);
          break;
        case METHODID_BATCH_DELETE_MEDICATIONS:
          serviceImpl.batchDeleteMedications((dev.hospital.v1.BatchDeleteMedicationsRequest) request,
              (io.grpc.stub.StreamObserver<com.google.protobuf.Empty>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetMedicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.GetMedicationRequest,
              dev.hospital.v1.Medication>(
                service, METHODID_GET_MEDICATION)))
        .addMethod(
          getListMedicationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.ListMedicationsRequest,
              dev.hospital.v1.ListMedicationsResponse>(
                service, METHODID_LIST_MEDICATIONS)))
        .addMethod(
          getCreateMedicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.CreateMedicationRequest,
              dev.hospital.v1.Medication>(
                service, METHODID_CREATE_MEDICATION)))
        .addMethod(
          getUpdateMedicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.UpdateMedicationRequest,
              dev.hospital.v1.Medication>(
                service, METHODID_UPDATE_MEDICATION)))
        .addMethod(
          getDeleteMedicationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.DeleteMedicationRequest,
              com.google.protobuf.Empty>(
                service, METHODID_DELETE_MEDICATION)))
        .addMethod(
          getBatchGetMedicationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.BatchGetMedicationsRequest,
              dev.hospital.v1.BatchGetMedicationsResponse>(
                service, METHODID_BATCH_GET_MEDICATIONS)))
        .addMethod(
          getBatchCreateMedicationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.BatchCreateMedicationsRequest,
              dev.hospital.v1.BatchCreateMedicationsResponse>(
                service, METHODID_BATCH_CREATE_MEDICATIONS)))
        .addMethod(
          getBatchUpdateMedicationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.BatchUpdateMedicationsRequest,
              dev.hospital.v1.BatchUpdateMedicationsResponse>(
                service, METHODID_BATCH_UPDATE_MEDICATIONS)))
        .addMethod(
          getBatchDeleteMedicationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.hospital.v1.BatchDeleteMedicationsRequest,
              com.google.protobuf.Empty>(
                service, METHODID_BATCH_DELETE_MEDICATIONS)))
        .build();
  }

  private static abstract class MedicationsBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    MedicationsBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.hospital.v1.MedicationsProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("Medications");
    }
  }

  private static final class MedicationsFileDescriptorSupplier
      extends MedicationsBaseDescriptorSupplier {
    MedicationsFileDescriptorSupplier() {}
  }

  private static final class MedicationsMethodDescriptorSupplier
      extends MedicationsBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    MedicationsMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (MedicationsGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new MedicationsFileDescriptorSupplier())
              .addMethod(getGetMedicationMethod())
              .addMethod(getListMedicationsMethod())
              .addMethod(getCreateMedicationMethod())
              .addMethod(getUpdateMedicationMethod())
              .addMethod(getDeleteMedicationMethod())
              .addMethod(getBatchGetMedicationsMethod())
              .addMethod(getBatchCreateMedicationsMethod())
              .addMethod(getBatchUpdateMedicationsMethod())
              .addMethod(getBatchDeleteMedicationsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
