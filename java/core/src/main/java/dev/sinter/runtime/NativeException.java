package dev.sinter.runtime;
public class NativeException extends RuntimeException { private static final long serialVersionUID=1L; public NativeException(String op,int status,String text){ super(op+": "+text+" ("+status+")"); } }
